// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/program.hpp>
#include <lockstep/tensor/memory.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace lockstep {

/// Where a buffer lies in a replica's arena, and the operations from the first that writes to the last that
/// reads it. Buffers that are not in the arena have no bytes.
struct placement {
    std::int64_t offset = 0;
    std::int64_t bytes = 0;
    int first = -1;
    int last = -1;

    constexpr bool in_arena() const { return bytes > 0; }
};

namespace detail {

/// Memory that is free between placed buffers, by offset. Neighbours are joined, so the list stays short.
class free_list {
public:
    /// The smallest hole that fits, else the end.
    constexpr std::int64_t take(std::int64_t bytes) {
        int best = -1;
        for (std::size_t i = 0; i < holes_.size(); ++i)
            if (holes_[i].bytes >= bytes && (best < 0 || holes_[i].bytes < holes_[best].bytes))
                best = static_cast<int>(i);
        if (best < 0) {
            // A hole that reaches the end grows.
            if (!holes_.empty() && holes_.back().offset + holes_.back().bytes == end_) {
                std::int64_t const offset = holes_.back().offset;
                holes_.pop_back();
                end_ = offset + bytes;
                return offset;
            }
            std::int64_t const offset = end_;
            end_ += bytes;
            return offset;
        }
        std::int64_t const offset = holes_[best].offset;
        holes_[best].offset += bytes;
        holes_[best].bytes -= bytes;
        if (holes_[best].bytes == 0) remove(static_cast<std::size_t>(best));
        return offset;
    }

    constexpr void give(std::int64_t offset, std::int64_t bytes) {
        std::size_t at = holes_.size();
        holes_.push_back({offset, bytes});
        for (; at > 0 && holes_[at - 1].offset > offset; --at) {
            holes_[at] = holes_[at - 1];
            holes_[at - 1] = {offset, bytes};
        }
        if (at + 1 < holes_.size() && offset + bytes == holes_[at + 1].offset) {
            holes_[at].bytes += holes_[at + 1].bytes;
            remove(at + 1);
        }
        if (at > 0 && holes_[at - 1].offset + holes_[at - 1].bytes == holes_[at].offset) {
            holes_[at - 1].bytes += holes_[at].bytes;
            remove(at);
        }
    }

    constexpr std::int64_t end() const { return end_; }

private:
    struct hole {
        std::int64_t offset = 0;
        std::int64_t bytes = 0;
    };
    // std::vector::erase and insert make g++ 12 warn of lengths that never occur.
    constexpr void remove(std::size_t at) {
        for (; at + 1 < holes_.size(); ++at) holes_[at] = holes_[at + 1];
        holes_.pop_back();
    }

    std::vector<hole> holes_;
    std::int64_t end_ = 0;
};

} // namespace detail

struct arena {
    std::vector<placement> placements;
    std::int64_t bytes = 0;
};

/// Places the values of a program for `samples` samples: each from the first write to the last read of its
/// storage, first come first served into the smallest hole that fits.
template <class Program>
constexpr arena plan_arena(Program const& p, std::int64_t samples, std::int64_t element_bytes) {
    arena result;
    std::size_t const count = p.buffers.size();
    int const end = static_cast<int>(p.operations.size());
    result.placements.resize(count);
    auto live = [&](int buffer, int from, int to) {
        placement& place = result.placements[p.buffers[buffer].storage];
        if (place.first < 0 || from < place.first) place.first = from;
        if (to > place.last) place.last = to;
    };
    for (int i = 0; i < end; ++i) {
        operation const& op = p.operations[i];
        // A tail writes while the operation before it runs.
        live(op.result, i > 0 && p.operations[i - 1].has_tail ? i - 1 : i, i);
        for (int k = 0; k < op.operand_count; ++k) live(op.operands[k], i, i);
        if (p.buffers[op.result].result) live(op.result, i, end);
    }
    // For each operation the buffers that begin and end to live there, as lists in arrays: vectors of vectors take a
    // compiler seconds.
    std::vector<int> first_begin(end + 1, -1), first_end(end + 1, -1), next_begin(count, -1), next_end(count, -1);
    for (std::size_t b = count; b-- > 0;) {
        buffer const& buffer = p.buffers[b];
        placement& place = result.placements[b];
        if (buffer.kind != buffer_kind::value || buffer.storage != static_cast<int>(b) || place.first < 0) continue;
        place.bytes = align_up(buffer.shape.size() * (buffer.per_sample ? samples : 1) *
                               bytes_of_element(buffer.content, element_bytes));
        next_begin[b] = std::exchange(first_begin[place.first], static_cast<int>(b));
        next_end[b] = std::exchange(first_end[place.last], static_cast<int>(b));
    }
    detail::free_list memory;
    for (int i = 0; i <= end; ++i) {
        for (int b = first_begin[i]; b >= 0; b = next_begin[b])
            result.placements[b].offset = memory.take(result.placements[b].bytes);
        for (int b = first_end[i]; b >= 0; b = next_end[b])
            memory.give(result.placements[b].offset, result.placements[b].bytes);
    }
    for (std::size_t b = 0; b < count; ++b) {
        buffer const& buffer = p.buffers[b];
        if (buffer.kind != buffer_kind::value || buffer.storage == static_cast<int>(b)) continue;
        result.placements[b] = result.placements[buffer.storage];
    }
    result.bytes = memory.end();
    return result;
}

} // namespace lockstep
