// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/describe.hpp>
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

/// A stream's commands one after the other, in lines that are not too long.
inline void append_stream(std::string& text, plan const& p, char const* name, std::span<command const> commands) {
    std::string line = std::string("  ") + name + " ";
    for (std::size_t i = 0; i < commands.size(); ++i) {
        std::string const next = describe(p, commands[i]) + (i + 1 < commands.size() ? ";" : "");
        if (line.size() + next.size() > 116) {
            text += line + "\n";
            line = "         ";
        }
        line += " " + next;
    }
    text += line + "\n";
}

/// "arena + 1234 [32, 28, 28]"
inline std::string place_of(plan const& p, int index) {
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
    detail::append_line(text, "parameters: %zu tensors in %.1f KiB; at most %.2f MiB a replica in all; %.2f MiB moved a step",
                        p.parameters.size(), static_cast<double>(p.parameter_bytes()) / kib,
                        static_cast<double>(p.peak_bytes(0)) / mib, p.moved_bytes() / mib);
    if (s.across_processes)
        detail::append_line(text, "processes: each of 2 sends %.1f KiB a step, of 8 %.1f KiB; at most %.2f and %.2f MiB a replica",
                            static_cast<double>(p.communicated_bytes(2)) / kib, static_cast<double>(p.communicated_bytes(8)) / kib,
                            static_cast<double>(p.peak_bytes(0, 2)) / mib, static_cast<double>(p.peak_bytes(0, 8)) / mib);

    if (p.forward_count < static_cast<int>(p.operations.size())) {
        text += "\nbuckets, in the order of the backward pass; their shards are added " + detail::tree_text(0, s.shards) + "\n";
        text += "   #  parameters      KiB  complete after  slices by owner (elements)\n";
        for (std::size_t i = 0; i < p.buckets.size(); ++i) {
            bucket const& b = p.buckets[i];
            std::string slices;
            for (int r = 0; r < s.replicas; ++r) {
                bucket_slice const own = slice_of(b, r, s.replicas);
                slices += " [" + std::to_string(own.begin) + ", " + std::to_string(own.end) + ")";
            }
            detail::append_line(text, "%4zu  %10d %8.1f  %14d %s", i, b.parameters,
                                static_cast<double>((b.end - b.begin) * s.element_bytes) / kib, b.complete_after(),
                                slices.c_str());
        }
        text += "A bucket is reduced and updated when all replicas have passed the operation that completes it; the new values\n"
                "are seen by the next step.\n";
        text += "\nthe schedule of each replica, event by event\n";
        detail::append_stream(text, p, "passes", p.steps.compute);
        detail::append_stream(text, p, "update", p.steps.update);
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
                            detail::place_of(p, op.result).c_str());
    }
    return text;
}

} // namespace lockstep
