// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/timeline.hpp>
#include <lockstep/plan/json.hpp>
#include <lockstep/plan/plan.hpp>

#include <cstdio>
#include <string>

namespace lockstep {

namespace detail {

/// "convolution", "bucket 2: reduce and update", "wait for bucket 2"
inline std::string name_of_event(plan const& p, timed_command const& what) {
    std::string const bucket = "bucket " + std::to_string(what.index) + ": ";
    switch (what.kind) {
    case command_kind::run: return p.operations[what.index].facts.name;
    case command_kind::begin: return "begin";
    case command_kind::keep_results: return "results";
    case command_kind::sum_shards: return "sum over shards";
    case command_kind::merge: return "merge states";
    case command_kind::reduce: return bucket + "reduce";
    case command_kind::combine: return bucket + "combine";
    case command_kind::reduce_and_update: return bucket + "reduce and update";
    case command_kind::update: return bucket + "update";
    case command_kind::measure: return "norm";
    case command_kind::pack: return "pack";
    case command_kind::start: return "start exchange " + std::to_string(what.index);
    case command_kind::finish: return "wait for exchange " + std::to_string(what.index);
    default: return "wait";
    }
}

inline char const* category_of(plan const& p, timed_command const& what) {
    if (what.kind == command_kind::wait || what.kind == command_kind::finish) return "wait";
    if (what.in_update_stream) return "update";
    return what.kind == command_kind::run && what.index >= p.forward_count ? "backward" : "forward";
}

} // namespace detail

/// What the replicas of a process did in the steps that were recorded, as a Chrome trace (the JSON object format of its
/// Trace Event Format), which Perfetto opens: a row for each replica and stream, times in microseconds.
inline std::string to_chrome_trace(plan const& p, detail::step_recorder const& recorded, int process = 0) {
    std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n";
    auto const row = [](std::size_t replica, bool update) { return std::to_string(2 * replica + (update ? 1 : 0)); };
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
            char times[96];
            std::snprintf(times, sizeof times, "\"ts\": %.3f, \"dur\": %.3f", static_cast<double>(what.begin - recorded.start()) * 1e-3,
                          static_cast<double>(what.end - what.begin) * 1e-3);
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
