// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/bucket_bounds.hpp>
#include <lockstep/program/program.hpp>
#include <lockstep/tensor/memory.hpp>

#include <cstdint>
#include <vector>

namespace lockstep {

/// Gradients that are reduced and updated together: a contiguous range of elements in the memory of all
/// gradients, which has the same layout as that of all parameters.
struct bucket {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    int parameters = 0;
    /// The operation after which all its gradients are there.
    int ready_after = -1;
    /// The last operation that reads its parameters or gradients.
    int last_read = -1;

    /// The operation after which parameters and gradients may change.
    constexpr int complete_after() const { return ready_after > last_read ? ready_after : last_read; }
};

/// Parameters start on such a multiple of elements, and so do slices: a slice is whole cache lines, written by
/// one owner, and every element takes the same way through vectorized loops whoever owns it.
inline constexpr std::int64_t slice_alignment = 16;

struct parameter_layout {
    /// The first element of each parameter.
    std::vector<std::int64_t> offsets;
    std::vector<bucket> buckets;
    /// Elements of all buckets. Values that are not trained lie behind them.
    std::int64_t trained_elements = 0;
    std::int64_t elements = 0;
};

/// Lays parameters out in the order in which a backward pass finishes their gradients, the last group's first,
/// and cuts them into buckets of at least as many bytes as `bounds` say, the last one excepted. All programs of a model have
/// the same parameters and so the same layout.
template <class Program>
constexpr parameter_layout plan_buckets(Program const& p, bucket_bounds bounds, std::int64_t element_bytes) {
    int const count = static_cast<int>(p.parameters.size());
    parameter_layout layout;
    layout.offsets.resize(count, 0);
    std::vector<int> computed_by(count, -1), read_by(count, -1);
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        // An operation and its tail are one call.
        int const end = static_cast<int>(i) + op.has_tail;
        buffer const& result = p.buffers[op.result];
        if (result.kind == buffer_kind::gradient) computed_by[result.parameter] = end;
        for (int k = 0; k < op.operand_count; ++k) {
            buffer const& operand = p.buffers[op.operands[k]];
            if (operand.parameter >= 0) read_by[operand.parameter] = end;
        }
    }
    bucket open;
    for (int end = count; end > 0;) {
        int begin = end - 1;
        while (begin > 0 && p.parameters[begin - 1].group == p.parameters[end - 1].group) --begin;
        for (int i = begin; i < end; ++i) {
            if (!p.parameters[i].declared.is_trained()) continue;
            layout.offsets[i] = layout.elements;
            layout.elements += align_up(p.parameters[i].declared.shape.size(), slice_alignment);
            ++open.parameters;
            open.end = layout.elements;
            if (computed_by[i] > open.ready_after) open.ready_after = computed_by[i];
            if (read_by[i] > open.last_read) open.last_read = read_by[i];
            std::int64_t const bound = layout.buckets.empty() ? bounds.first_bytes : bounds.bytes;
            if ((open.end - open.begin) * element_bytes < bound) continue;
            layout.buckets.push_back(open);
            open = {open.end, open.end};
        }
        end = begin;
    }
    if (open.parameters > 0) layout.buckets.push_back(open);
    layout.trained_elements = layout.elements;
    for (int i = 0; i < count; ++i) {
        if (p.parameters[i].declared.is_trained()) continue;
        layout.offsets[i] = layout.elements;
        layout.elements += align_up(p.parameters[i].declared.shape.size(), slice_alignment);
    }
    return layout;
}

/// The elements of a bucket that replica `owner` of `replicas` reduces and updates.
struct bucket_slice {
    std::int64_t begin = 0;
    std::int64_t end = 0;
};

constexpr bucket_slice slice_of(bucket const& b, int owner, int replicas) {
    std::int64_t const lines = (b.end - b.begin) / slice_alignment;
    return {b.begin + lines * owner / replicas * slice_alignment,
            b.begin + lines * (owner + 1) / replicas * slice_alignment};
}

} // namespace lockstep
