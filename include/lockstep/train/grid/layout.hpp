// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/grid/replica.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/train/grid/kernels.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace lockstep::grid {

/// Where in a replica's memory everything lies that a training step needs beside parameters and arenas, in bytes: the same
/// in all replicas.
struct step_layout {
    /// Of own shards, one behind the other, each laid out like the parameters.
    std::int64_t gradients = 0;
    /// Of all shards.
    std::int64_t results = 0;
    /// Gradients of earlier batches, and what these count.
    std::int64_t accumulated = 0, counted = 0;
    /// Sums of squares of blocks of the mean gradient, and its norm.
    std::int64_t squares = 0, norm = 0;
    /// Over several processes: what all shards observed of the states.
    std::int64_t observed = 0;
    /// Copies of what other replicas have where their memory cannot be reached, of every shard: slices of a bucket or
    /// observations, for the update stream, and a collective operation's values, for the passes.
    std::int64_t slices = 0, values = 0;
    std::int64_t slice_bytes = 0, value_bytes = 0;
    std::int64_t end = 0;

    /// `together`: the replicas' gradients are added by the platform, so that no kernel reads those of others.
    static constexpr step_layout of(plan const& p, bool accumulates, bool together, bool across) {
        auto const shards = static_cast<std::int64_t>(p.settings.shards);
        step_layout l;
        auto const take = [&l](std::int64_t bytes) {
            std::int64_t const begin = l.end;
            l.end = align_up(l.end + bytes, std::int64_t{256});
            return begin;
        };
        l.gradients = take(p.parameter_bytes() * (shards / p.settings.replicas));
        l.results = take(static_cast<std::int64_t>(sizeof(shard_sums)) * shards);
        if (accumulates) l.accumulated = take(p.trained_bytes());
        l.counted = take(sizeof(double));
        l.squares = take(static_cast<std::int64_t>(sizeof(double)) * lockstep::detail::norm_blocks(p.trained_elements));
        l.norm = take(sizeof(double));
        if (across) l.observed = take((p.parameter_elements - p.trained_elements) * p.settings.element_bytes);
        if (p.settings.replicas == 1) return l;
        if (!together)
            for (bucket const& b : p.buckets)
                l.slice_bytes = std::max(l.slice_bytes, (b.end - b.begin) / p.settings.replicas + slice_alignment);
        l.slice_bytes = align_up(std::max(l.slice_bytes, p.parameter_elements - p.trained_elements) * p.settings.element_bytes, 256);
        for (operation const& op : p.operations)
            if (op.facts.is_collective)
                l.value_bytes = std::max(l.value_bytes, align_up(p.bytes_of(p.buffers[static_cast<std::size_t>(op.result)], 1), 256));
        l.slices = take(l.slice_bytes * shards);
        l.values = take(l.value_bytes * shards);
        return l;
    }
};

/// Where a batch's samples lie in a replica's memory, behind what the step is told, in bytes.
struct input_layout {
    std::int64_t inputs = 0, targets = 0, end = 0;

    /// `samples`: of one replica.
    static constexpr input_layout of(plan const& p, std::int64_t samples, std::int64_t values_bytes) {
        input_layout layout;
        layout.inputs = align_up(values_bytes, std::int64_t{256});
        layout.targets = align_up(layout.inputs + samples * sample_bytes(p, buffer_kind::input), std::int64_t{256});
        layout.end = align_up(layout.targets + samples * sample_bytes(p, buffer_kind::target), std::int64_t{256});
        return layout;
    }
};

} // namespace lockstep::grid
