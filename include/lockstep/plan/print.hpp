// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>

#include <cstdio>
#include <string>

namespace lockstep {

namespace detail {

inline void append_line(std::string& text, char const* format, auto... values) {
    char line[256];
    std::snprintf(line, sizeof line, format, values...);
    text += line;
    text += '\n';
}

inline char const* place_name(buffer_kind kind) {
    switch (kind) {
    case buffer_kind::input: return "input";
    case buffer_kind::target: return "targets";
    case buffer_kind::parameter: return "parameter";
    case buffer_kind::gradient: return "bucket";
    default: return "arena";
    }
}

/// "arena + 1234 [32, 28, 28]"
inline std::string describe(plan const& p, int index) {
    buffer const& b = p.buffers[index];
    std::string text = place_name(b.kind);
    if (b.kind == buffer_kind::value) text += " + " + std::to_string(p.placements[index].offset);
    return text + " " + to_string(b.shape);
}

} // namespace detail

/// A plan as a text to read: memory, buckets with their owners' slices, and the operations of one shard in
/// order. Flops and bytes are those of the largest shard; a byte is counted each time it is read or written.
inline std::string to_text(plan const& p) {
    plan_settings const& s = p.settings;
    double const kib = 1024.0, mib = 1024.0 * 1024.0;
    auto const shard = p.shard_samples();
    std::string text;
    detail::append_line(text, "plan: a batch of %d samples, %d shards of up to %lld, %d replicas", s.batch, s.shards,
                        static_cast<long long>(shard), s.replicas);
    detail::append_line(text, "arena: %.1f KiB a replica, %zu operations, %.2f MFLOP a step",
                        static_cast<double>(p.arena_bytes) / kib, p.operations.size(), p.flops() / 1e6);
    detail::append_line(text, "parameters: %zu tensors in %.1f KiB; at most %.2f MiB a replica in all",
                        p.parameters.size(), static_cast<double>(p.parameter_elements * s.element_bytes) / kib,
                        static_cast<double>(p.peak_bytes(0)) / mib);

    if (p.forward_count < static_cast<int>(p.operations.size())) {
        text += "\nbuckets, in the order of the backward pass\n";
        text += "   #  parameters      KiB  ready after  slices by owner (elements)\n";
        for (std::size_t i = 0; i < p.buckets.size(); ++i) {
            bucket const& b = p.buckets[i];
            std::string slices;
            for (int r = 0; r < s.replicas; ++r) {
                bucket_slice const own = slice_of(b, r, s.replicas);
                slices += " [" + std::to_string(own.begin) + ", " + std::to_string(own.end) + ")";
            }
            detail::append_line(text, "%4zu  %10d %8.1f  %11d %s", i, b.parameters,
                                static_cast<double>((b.end - b.begin) * s.element_bytes) / kib, b.ready_after,
                                slices.c_str());
        }
    }

    text += "\noperations of one shard (~ runs as the tail of the one before, rows still in cache)\n";
    text += "   #  group      MFLOP        KiB  operation                                 result\n";
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        if (static_cast<int>(i) == p.forward_count) text += "      -- backward --\n";
        bool const tail = i > 0 && p.operations[i - 1].has_tail;
        detail::append_line(text, "%4zu  %5d %10.3f %10.1f  %s%-40s  %s", i, op.group,
                            op.facts.flops * static_cast<double>(shard) / 1e6,
                            static_cast<double>(p.bytes(op, shard)) / kib, tail ? "~" : " ", op.facts.name,
                            detail::describe(p, op.result).c_str());
    }
    return text;
}

} // namespace lockstep
