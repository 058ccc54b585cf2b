// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/plan.hpp>

#include <string>

namespace lockstep::detail {

constexpr char const* name_of(exchange_kind kind) {
    switch (kind) {
    case exchange_kind::header: return "header";
    case exchange_kind::results: return "results";
    case exchange_kind::states: return "states";
    case exchange_kind::collective: return "collective";
    case exchange_kind::scatter: return "scatter";
    case exchange_kind::gather: return "gather";
    default: return "publish";
    }
}
constexpr char const* name_of(command_kind kind) {
    switch (kind) {
    case command_kind::begin: return "begin";
    case command_kind::run: return "run";
    case command_kind::sum_shards: return "sum shards";
    case command_kind::keep_results: return "keep results";
    case command_kind::pack: return "pack";
    case command_kind::merge: return "merge states";
    case command_kind::reduce: return "reduce";
    case command_kind::combine: return "combine";
    case command_kind::reduce_and_update: return "reduce and update";
    case command_kind::measure: return "measure norm";
    case command_kind::update: return "update";
    case command_kind::arrive: return "arrive";
    case command_kind::wait: return "wait";
    case command_kind::start: return "start";
    default: return "finish";
    }
}

constexpr char const* place_name(buffer_kind kind) {
    switch (kind) {
    case buffer_kind::input: return "input";
    case buffer_kind::target: return "targets";
    case buffer_kind::parameter: return "parameter";
    case buffer_kind::gradient: return "bucket";
    default: return "arena";
    }
}

/// "scatter of bucket 2"
inline std::string describe(exchange const& e) {
    std::string text = name_of(e.kind);
    if (e.kind == exchange_kind::collective) return text + " of operation " + std::to_string(e.index);
    return e.index < 0 ? text : text + " of bucket " + std::to_string(e.index);
}

/// "run 0 to 16", "arrive at event 2", "reduce and update bucket 0"
inline std::string describe(plan const& p, command const& c) {
    std::string text = c.leader_only ? "(leader) " : "";
    auto const number = [&](char const* what) {
        return std::string(name_of(c.kind)) + " " + what + " " + std::to_string(c.index);
    };
    switch (c.kind) {
    case command_kind::begin: {
        bool const one = c.last_shard - c.first_shard == 1;
        std::string const last = one ? "" : " to " + std::to_string(c.last_shard - 1);
        return text + (one ? "begin shard " : "begin shards ") + std::to_string(c.first_shard) + last;
    }
    case command_kind::run: {
        std::string const last = c.last - c.first > 1 ? " to " + std::to_string(c.last - 1) : "";
        return text + "run " + std::to_string(c.first) + last;
    }
    case command_kind::sum_shards: return text + number("for operation");
    case command_kind::arrive: return text + number("at event");
    case command_kind::wait: return text + number("for event");
    case command_kind::reduce:
    case command_kind::combine:
    case command_kind::reduce_and_update:
    case command_kind::update: return text + number("bucket");
    case command_kind::pack:
    case command_kind::start:
    case command_kind::finish: return text + name_of(c.kind) + " the " + describe(p.steps.exchanges[c.index]);
    default: return text + name_of(c.kind);
    }
}

/// The order in which shards are added: "((0 + 1) + (2 + 3))".
inline std::string tree_text(int first, int count) {
    if (count == 1) return std::to_string(first);
    return "(" + tree_text(first, count / 2) + " + " + tree_text(first + count / 2, count - count / 2) + ")";
}

/// "2.0"; named levels by their names, of which an empty one is left out.
inline std::string to_text(layer_path const& path) {
    std::string text;
    for (int level = 0; level < path.depth; ++level) {
        std::string const part = path.name[level] != nullptr ? path.name[level] : std::to_string(path.index[level]);
        if (!part.empty()) text += (text.empty() ? "" : ".") + part;
    }
    return text;
}
/// The layer that a group's parameters belong to; without parameters nothing.
inline std::string layer_of_group(plan const& p, int group) {
    for (program_parameter const& parameter : p.parameters)
        if (parameter.group == group) return to_text(parameter.path);
    return "";
}
/// "operation 3: matmul, layer 2.0"; `tail` stands behind the operation's name.
inline std::string describe_operation(plan const& p, int number, std::string const& tail = "") {
    operation const& op = p.operations[static_cast<std::size_t>(number)];
    std::string const layer = layer_of_group(p, op.group);
    return "operation " + std::to_string(number) + ": " + op.facts.name + tail + (layer.empty() ? "" : ", layer " + layer);
}

} // namespace lockstep::detail
