// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/timeline.hpp>
#include <lockstep/plan/chart.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/json_text.hpp>
#include <lockstep/plan/plan.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lockstep {

namespace detail {

/// "convolution", "reduce and update bucket 2", "wait for event 3"
inline std::string name_of_event(plan const& p, timed_command const& what) {
    if (what.kind == command_kind::run) return p.operations[what.index].facts.name;
    if (what.kind == command_kind::begin) return name_of(what.kind);
    command c;
    c.kind = what.kind;
    c.index = what.index;
    return describe(p, c);
}

inline char const* category_of(plan const& p, timed_command const& what) {
    if (what.kind == command_kind::wait || what.kind == command_kind::finish) return "wait";
    if (what.in_update_stream) return "update";
    bool const computes = what.kind == command_kind::run || what.kind == command_kind::sum_shards;
    return computes && what.index >= p.forward_count ? "backward" : "forward";
}

} // namespace detail

/// What the replicas of a process did in the steps that were recorded, as a Chrome trace (the JSON object format of its
/// Trace Event Format), which Perfetto opens: a row for each replica and stream, times in microseconds.
inline std::string to_chrome_trace(plan const& p, detail::step_recorder const& recorded, int process = 0) {
    std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n";
    auto const row = [](std::size_t replica, bool update) { return std::to_string(2 * replica + (update ? 1 : 0)); };
    auto const microseconds = [](std::int64_t nanoseconds) {
        return detail::formatted(static_cast<double>(nanoseconds) * 1e-3, std::chars_format::fixed, 3);
    };
    std::string const pid = "\"pid\": " + std::to_string(process) + ", ";
    text += "{\"ph\": \"M\", \"name\": \"process_name\", " + pid + "\"tid\": 0, \"args\": {\"name\": \"process " + std::to_string(process) + "\"}}";
    for (std::size_t r = 0; r < recorded.replicas().size(); ++r)
        for (bool const update : {false, true}) {
            std::string const name = "replica " + std::to_string(r) + (update ? ", update" : ", passes");
            text += ",\n{\"ph\": \"M\", \"name\": \"thread_name\", " + pid + "\"tid\": " + row(r, update) + ", \"args\": {\"name\": \"" + name + "\"}}";
            text += ",\n{\"ph\": \"M\", \"name\": \"thread_sort_index\", " + pid + "\"tid\": " + row(r, update) + ", \"args\": {\"sort_index\": " + row(r, update) + "}}";
        }
    for (std::size_t r = 0; r < recorded.replicas().size(); ++r)
        for (detail::timed_command const& what : recorded.replicas()[r]) {
            std::string const times = "\"ts\": " + microseconds(what.begin - recorded.start()) + ", \"dur\": " +
                                      microseconds(what.end - what.begin);
            text += ",\n{\"ph\": \"X\", \"name\": " + detail::in_json(detail::name_of_event(p, what)) + ", \"cat\": \"" +
                    detail::category_of(p, what) + "\", " + pid + "\"tid\": " + row(r, what.in_update_stream) + ", " + times +
                    ", \"args\": {\"step\": " + std::to_string(what.step);
            if (what.kind == command_kind::run)
                text += ", \"operation\": " + detail::in_json(detail::name_of_operation(p, what.index)) +
                        ", \"shard\": " + std::to_string(what.shard);
            text += "}}";
        }
    return text + "\n]}\n";
}

} // namespace lockstep
