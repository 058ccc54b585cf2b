// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/chart.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/hash.hpp>
#include <lockstep/plan/json_text.hpp>
#include <lockstep/plan/plan.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace lockstep {

namespace detail {

/// Writes objects and lists, one to a line at the outer levels.
class json_writer {
public:
    json_writer& open(char bracket) {
        comma();
        text_ += bracket;
        first_ = true;
        return *this;
    }
    json_writer& close(char bracket) {
        text_ += bracket;
        first_ = false;
        return *this;
    }
    json_writer& key(std::string_view name) {
        comma();
        text_ += in_json(name) + ": ";
        first_ = true;
        return *this;
    }
    json_writer& value(std::string_view text) { return raw(in_json(text)); }
    template <std::integral Number>
    json_writer& value(Number number) {
        if constexpr (std::same_as<Number, bool>) return raw(number ? "true" : "false");
        else return raw(std::to_string(number));
    }
    json_writer& value(double value) {
        return raw(number(value, std::chars_format::general, 15));
    }
    template <class T>
    json_writer& member(std::string_view name, T const& what) {
        return key(name).value(what);
    }
    json_writer& line() {
        text_ += first_ ? "\n" : ",\n";
        first_ = true;
        return *this;
    }
    /// The closing bracket of all, on a line of its own.
    std::string finish(char bracket) && { return std::move(text_) + "\n" + bracket + "\n"; }

private:
    json_writer& raw(std::string_view text) {
        comma();
        text_ += text;
        return *this;
    }
    void comma() {
        if (!first_) text_ += ", ";
        first_ = false;
    }

    std::string text_;
    bool first_ = true;
};

inline void write(json_writer& out, extents const& shape) {
    out.open('[');
    for (int axis = 0; axis < shape.rank; ++axis) out.value(shape.extent[axis]);
    out.close(']');
}

/// A list, one item a line.
template <class Items, class Write>
void write_list(json_writer& out, std::string_view name, Items const& items, Write const& write_item) {
    out.line().key(name).open('[');
    int number = 0;
    for (auto const& item : items) {
        out.line().open('{');
        write_item(item, number++);
        out.close('}');
    }
    out.close(']');
}

inline void write(json_writer& out, plan const& p, std::string_view name, std::span<command const> commands) {
    write_list(out, name, commands, [&](command const& c, int) {
        out.member("command", name_of(c.kind));
        if (c.leader_only) out.member("leader", true);
        if (c.index >= 0) out.member("index", c.index);
        if (c.kind == command_kind::run) out.member("first", c.first).member("last", c.last - 1);
        if (c.last_shard > c.first_shard) out.member("first_shard", c.first_shard).member("last_shard", c.last_shard - 1);
        out.member("text", describe(p, c));
    });
}

} // namespace detail

/// A plan as JSON, everything that is in it: settings, memory, buffers, operations, parameters, buckets with the slices
/// of their owners, and the schedule. Offsets and sizes are bytes unless they are named elements; numbers refer to the
/// lists' places.
inline std::string to_json(plan const& p) {
    plan_settings const& s = p.settings;
    detail::json_writer out;
    out.open('{').line().member("plan", "lockstep").member("version", 1).member("hash", std::to_string(hash_of(p)));
    out.line().key("settings").open('{');
    out.member("replicas", s.replicas).member("shards", s.shards).member("batch", s.batch).member("element_bytes", s.element_bytes);
    out.member("optimizer_states", s.optimizer_states).member("needs_norm", s.needs_norm);
    out.member("across_processes", s.across_processes).member("sharded_optimizer", s.sharded_optimizer);
    out.close('}');
    out.line().key("totals").open('{');
    out.member("peak_bytes", p.peak_bytes(0)).member("arena_bytes", p.arena_bytes).member("parameter_bytes", p.parameter_bytes());
    out.member("trained_elements", p.trained_elements).member("flops", p.flops()).member("bytes_moved", p.moved_bytes());
    out.member("bytes_communicated_by_each_of_2_processes", p.communicated_bytes(2)).close('}');
    detail::write_list(out, "buffers", p.buffers, [&](buffer const& b, int i) {
        out.member("kind", detail::place_name(b.kind)).key("shape");
        detail::write(out, b.shape);
        out.member("per_sample", b.per_sample);
        if (b.parameter >= 0) out.member("parameter", b.parameter);
        if (b.kind == buffer_kind::value) out.member("offset", p.placements[i].offset).member("bytes", p.placements[i].bytes);
    });
    detail::write_list(out, "operations", p.operations, [&](operation const& op, int i) {
        out.member("name", op.facts.name).member("group", op.group).member("layer", detail::layer_of_group(p, op.group));
        out.member("backward", i >= p.forward_count).member("result", op.result).key("operands").open('[');
        for (int k = 0; k < op.operand_count; ++k) out.value(op.operands[k]);
        out.close(']').member("has_tail", op.has_tail).member("flops_of_a_sample", op.facts.flops);
    });
    detail::write_list(out, "parameters", p.parameters, [&](program_parameter const& parameter, int i) {
        out.member("layer", detail::layer_of_group(p, parameter.group)).member("name", parameter.declared.name).key("shape");
        detail::write(out, parameter.declared.shape);
        out.member("first_element", p.parameter_offsets[i]).member("trained", parameter.declared.is_trained());
    });
    detail::write_list(out, "buckets", p.buckets, [&](bucket const& b, int) {
        out.member("first_element", b.begin).member("end_element", b.end).member("parameters", b.parameters);
        out.member("ready_after", b.ready_after).member("last_read", b.last_read).member("complete_after", b.complete_after());
        out.key("slices").open('[');
        for (int r = 0; r < s.replicas; ++r) {
            bucket_slice const own = slice_of(b, r, s.replicas);
            out.open('[').value(own.begin).value(own.end).close(']');
        }
        out.close(']');
    });
    out.line().member("shards_are_added", detail::tree_text(0, s.shards));
    out.line().key("arrivals_of_events").open('[');
    for (int const arrivals : p.steps.events) out.value(arrivals);
    out.close(']');
    detail::write_list(out, "exchanges", p.steps.exchanges,
                       [&](exchange const& e, int) { out.member("kind", detail::name_of(e.kind)).member("index", e.index); });
    detail::write(out, p, "passes", p.steps.compute);
    detail::write(out, p, "update", p.steps.update);
    return std::move(out).finish('}');
}

} // namespace lockstep
