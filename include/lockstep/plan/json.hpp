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
        return raw(formatted(value, std::chars_format::general, 15));
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
        if (c.last_shard > c.first_shard)
            out.member("first_shard", c.first_shard).member("last_shard", c.last_shard - 1);
        out.member("text", describe(p, c));
    });
}

inline void write_settings(json_writer& out, plan_settings const& s) {
    out.line().key("settings").open('{');
    out.member("replicas", s.replicas).member("shards", s.shards).member("batch", s.batch);
    out.member("element_bytes", s.element_bytes).member("optimizer_states", s.optimizer_states);
    out.member("needs_norm", s.needs_norm).member("across_processes", s.across_processes);
    out.member("sharded_optimizer", s.sharded_optimizer).close('}');
}

/// What a step is in numbers: of a replica the memory, of a step all the rest.
inline void write_totals(json_writer& out, plan const& p) {
    device_memory const m = p.memory();
    out.line().key("memory").open('{');
    out.member("peak_bytes", m.total()).member("arenas", m.arenas).member("gradients", m.gradients);
    out.member("parameters", m.parameters).member("optimizer", m.optimizer).member("received", m.received).close('}');
    out.line().key("totals").open('{');
    out.member("arena_bytes", p.arena_bytes).member("parameter_elements", p.parameter_elements);
    out.member("trained_elements", p.trained_elements).member("flops", p.flops());
    out.member("bytes_moved", p.moved_bytes());
    out.member("bytes_sent_by_each_of_2_processes", p.communicated_bytes(2)).close('}');
}

/// Of a program: where the backward pass begins, and the buffers that are its results.
inline void write_results(json_writer& out, plan const& p) {
    out.line().member("forward_count", p.forward_count).line().key("results").open('{');
    auto const result = [&](std::string_view name, int buffer) {
        if (buffer >= 0) out.member(name, buffer);
    };
    result("output", p.output);
    result("loss", p.loss);
    result("divisor", p.divisor);
    result("correct", p.correct);
    result("answers", p.answers);
    result("input_gradient", p.input_gradient);
    out.close('}');
}

inline void write_buffers(json_writer& out, plan const& p) {
    write_list(out, "buffers", p.buffers, [&](buffer const& b, int i) {
        out.member("kind", place_name(b.kind)).key("shape");
        write(out, b.shape);
        out.member("per_sample", b.per_sample).member("class_indices", b.content == leaf_content::class_index);
        out.member("bf16", b.content == leaf_content::bf16).member("half", b.content == leaf_content::half);
        if (b.parameter >= 0) out.member("parameter", b.parameter);
        if (b.kind != buffer_kind::value) return;
        placement const& at = p.placements[i];
        out.member("storage", b.storage).member("offset", at.offset).member("bytes", at.bytes);
        out.member("first_use", at.first).member("last_use", at.last);
    });
}

inline void write_operations(json_writer& out, plan const& p) {
    write_list(out, "operations", p.operations, [&](operation const& op, int i) {
        out.member("name", op.facts.name).member("group", op.group).member("layer", layer_of_group(p, op.group));
        out.member("backward", i >= p.forward_count).member("result", op.result).key("operands").open('[');
        for (int k = 0; k < op.operand_count; ++k) out.value(op.operands[k]);
        out.close(']').member("has_tail", op.has_tail).member("elementwise", op.facts.elementwise);
        out.member("collective", op.facts.is_collective).member("flops_of_a_sample", op.facts.flops);
    });
}

inline char const* name_of(merge_kind how) {
    switch (how) {
    case merge_kind::average: return "average";
    case merge_kind::sum: return "sum";
    case merge_kind::maximum: return "maximum";
    default: return "none";
    }
}

inline void write_parameters(json_writer& out, plan const& p) {
    write_list(out, "parameters", p.parameters, [&](program_parameter const& each, int i) {
        out.member("layer", to_text(each.path)).member("name", each.declared.name).key("shape");
        write(out, each.declared.shape);
        out.member("first_element", p.parameter_offsets[i]).member("trained", each.declared.is_trained());
        if (each.observed) out.member("merged_by", name_of(each.declared.merge.how));
    });
}

inline void write_buckets(json_writer& out, plan const& p) {
    write_list(out, "buckets", p.buckets, [&](bucket const& b, int) {
        out.member("first_element", b.begin).member("end_element", b.end).member("parameters", b.parameters);
        out.member("ready_after", b.ready_after).member("last_read", b.last_read);
        out.member("complete_after", b.complete_after()).key("slices").open('[');
        for (int r = 0; r < p.settings.replicas; ++r) {
            bucket_slice const own = slice_of(b, r, p.settings.replicas);
            out.open('[').value(own.begin).value(own.end).close(']');
        }
        out.close(']');
    });
}

} // namespace detail

/// A plan as JSON, everything that is in it: settings, memory, buffers, operations, parameters, buckets with the slices
/// of their owners, and the schedule. Members stand in a fixed order. Offsets and sizes are bytes unless they are named
/// elements; a buffer, operation, parameter, bucket, event or exchange is the number of its place in its list.
inline std::string to_json(plan const& p) {
    detail::json_writer out;
    out.open('{').line().member("plan", "lockstep").member("version", 1).member("hash", std::to_string(hash_of(p)));
    detail::write_settings(out, p.settings);
    detail::write_totals(out, p);
    detail::write_results(out, p);
    detail::write_buffers(out, p);
    detail::write_operations(out, p);
    detail::write_parameters(out, p);
    detail::write_buckets(out, p);
    out.line().member("shards_are_added", detail::tree_text(0, p.settings.shards));
    out.line().key("arrivals_of_events").open('[');
    for (int const arrivals : p.steps.events) out.value(arrivals);
    out.close(']');
    detail::write_list(out, "exchanges", p.steps.exchanges, [&](exchange const& e, int) {
        out.member("kind", detail::name_of(e.kind));
        if (e.index >= 0) out.member(e.kind == exchange_kind::collective ? "operation" : "bucket", e.index);
    });
    detail::write(out, p, "passes", p.steps.compute);
    detail::write(out, p, "update", p.steps.update);
    return std::move(out).finish('}');
}

} // namespace lockstep
