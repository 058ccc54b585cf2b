// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/chart.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

namespace detail {

/// Numbers and words in columns, and amounts with their units, the same in every locale.
inline std::string right(std::string_view text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ').append(text);
}
inline std::string right(std::int64_t value, std::size_t width) { return right(std::to_string(value), width); }
inline std::string left(std::string_view text, std::size_t width) {
    return std::string(text).append(text.size() < width ? width - text.size() : 0, ' ');
}
inline std::string fixed(double value, int decimals) { return formatted(value, std::chars_format::fixed, decimals); }
inline std::string kib(std::int64_t bytes) { return fixed(static_cast<double>(bytes) / 1024, 1); }
inline std::string mib(double bytes) { return fixed(bytes / (1024 * 1024), 2); }
inline std::string mib(std::int64_t bytes) { return mib(static_cast<double>(bytes)); }

/// "arena + 1234 [32, 28, 28]"
inline std::string place_of(plan const& p, int index) {
    buffer const& b = p.buffers[index];
    std::string text = place_name(b.kind);
    if (b.kind == buffer_kind::value) text += " + " + std::to_string(p.placements[index].offset);
    return text + " " + to_string(b.shape);
}

/// A stream's commands one after the other, in lines that are not too long. To arrive and wait is to meet.
inline std::string stream_text(plan const& p, std::string_view name, std::span<command const> commands) {
    std::string text, line = "  " + left(name, 7);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        command const& c = commands[i];
        bool const meets = c.kind == command_kind::arrive && i + 1 < commands.size() && !c.leader_only &&
                           commands[i + 1].kind == command_kind::wait && commands[i + 1].index == c.index &&
                           !commands[i + 1].leader_only;
        std::string next = meets ? "meet at event " + std::to_string(c.index) : describe(p, c);
        i += meets;
        if (i + 1 < commands.size()) next += ';';
        if (line.size() + next.size() > 116) {
            text += line + '\n';
            line = std::string(9, ' ');
        }
        line += ' ' + next;
    }
    return text + line + '\n';
}

inline std::string memory_text(plan const& p) {
    plan_settings const& s = p.settings;
    device_memory const m = p.memory();
    std::string text = "memory of a replica: " + mib(m.total()) + " MiB at most; arena " + kib(m.arenas) +
                       " KiB, gradients " + kib(m.gradients) + " KiB,\n  its " + (s.own_memory ? "copy" : "part") + " of " +
                       std::to_string(p.parameters.size()) + " parameters " + kib(m.parameters) + " KiB and " +
                       (s.updates_all ? "a copy " : s.own_memory ? "its part " : "") + "of the optimizer's values " +
                       kib(m.optimizer) + " KiB";
    if (!s.across_processes) return text + '\n';
    text += ", received " + kib(m.received) + " KiB\nbetween processes:";
    for (std::string separator = " "; int const processes : {2, 8}) {
        text += separator + "each of " + std::to_string(processes) + " sends " +
                kib(p.communicated_bytes(processes)) + " KiB a step and holds " + mib(p.peak_bytes(0, processes)) +
                " MiB a replica";
        separator = ",\n  ";
    }
    return text + '\n';
}

/// When a bucket's reduction and update may run, and when its new values are seen.
inline std::string update_text(plan_settings const& s) {
    std::string const when = " when all replicas have passed the operation that completes it";
    if (!s.across_processes && s.needs_norm)
        return "A bucket is reduced" + when + ",\nand updated when the norm of all gradients is known; the next step "
               "sees the new values.\n";
    if (!s.across_processes)
        return "A bucket is reduced and updated" + when + ";\nthe next step sees the new values.\n";
    std::string text = "A bucket is reduced over this process' shards" + when + ".\nIts sums go to the owners of "
                       "slices (scatter), who add those of all processes (combine).\n";
    if (s.sharded_optimizer && !s.needs_norm)
        return text + "Each owner updates its slice and sends the new values to all (publish), for the next step.\n";
    text += "The means go to all (gather), ";
    if (!s.needs_norm) return text + "who update; the next step sees the new values.\n";
    if (!s.sharded_optimizer) return text + "who update when the norm is known; the next step sees the new values.\n";
    return text + "for the norm; then each owner updates its slice and sends the new values to\nall (publish), for the "
                  "next step.\n";
}

inline std::string buckets_text(plan const& p) {
    plan_settings const& s = p.settings;
    std::string text = "\nbuckets, in the order of the backward pass; ";
    text += s.across_processes ? "the shards of a process" : "their shards";
    text += " are added " + tree_text(0, s.shards) + '\n';
    text += "   #  parameters      KiB  complete after  slices by owner (elements)\n";
    for (std::size_t i = 0; i < p.buckets.size(); ++i) {
        bucket const& b = p.buckets[i];
        text += right(static_cast<std::int64_t>(i), 4) + right(b.parameters, 12) +
                right(kib((b.end - b.begin) * s.element_bytes), 9) + right(b.complete_after(), 16) + ' ';
        for (int r = 0; r < s.replicas; ++r) {
            bucket_slice const own = slice_of(b, r, s.replicas);
            text += " [" + std::to_string(own.begin) + ", " + std::to_string(own.end) + ')';
        }
        text += '\n';
    }
    return text + update_text(s);
}

inline std::string operations_text(plan const& p) {
    std::int64_t const shard = p.shard_samples();
    std::string text = "\noperations of one shard (~ runs as the tail of the one before, rows still in cache)\n";
    text += "   #  group      MFLOP        KiB  operation                                 result\n";
    for (std::size_t i = 0; i < p.operations.size(); ++i) {
        operation const& op = p.operations[i];
        if (static_cast<int>(i) == p.forward_count) text += "      -- backward --\n";
        bool const tail = i > 0 && p.operations[i - 1].has_tail;
        text += right(static_cast<std::int64_t>(i), 4) + right(op.group, 7) +
                right(fixed(op.facts.flops * static_cast<double>(shard) / 1e6, 3), 11) +
                right(kib(p.bytes(op, shard)), 11) + (tail ? "  ~" : "   ") + left(op.facts.name, 40) + "  " +
                place_of(p, op.result) + '\n';
    }
    return text;
}

} // namespace detail

/// A plan as a text to read: memory, buckets with their owners' slices, what a replica does and when, and the
/// operations of one shard in order. Flops and bytes are those of the largest shard; a byte is counted each time it is
/// read or written.
inline std::string to_text(plan const& p) {
    plan_settings const& s = p.settings;
    std::string text = "plan: a batch of " + std::to_string(s.batch) + " samples, " + std::to_string(s.shards) +
                       " shards of up to " + std::to_string(p.shard_samples()) + ", " + std::to_string(s.replicas) +
                       " replicas\n";
    text += std::to_string(p.operations.size()) + " operations, " + detail::fixed(p.flops() / 1e6, 2) + " MFLOP and " +
            detail::mib(p.moved_bytes()) + " MiB read and written a step\n" + detail::memory_text(p);
    if (!p.steps.compute.empty())
        text += detail::buckets_text(p) + "\nthe schedule of each replica\n" +
                detail::stream_text(p, "passes", p.steps.compute) + detail::stream_text(p, "update", p.steps.update);
    return text + detail::operations_text(p);
}

} // namespace lockstep
