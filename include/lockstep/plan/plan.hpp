// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/arena.hpp>
#include <lockstep/plan/bucket.hpp>
#include <lockstep/plan/command.hpp>
#include <lockstep/plan/schedule.hpp>
#include <lockstep/plan/settings.hpp>
#include <lockstep/plan/values_within.hpp>
#include <lockstep/program/program.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep {

/// Bytes that a device holds: its arenas and the gradients of its shards; of what the replicas of a host share, its
/// part. With a sharded optimizer a process keeps the values of its own slices alone; what it receives are all
/// processes' sums of its slices.
struct device_memory {
    std::int64_t arenas = 0;
    std::int64_t gradients = 0;
    std::int64_t parameters = 0;
    std::int64_t optimizer = 0;
    std::int64_t received = 0;

    constexpr std::int64_t total() const { return arenas + gradients + parameters + optimizer + received; }
};

/// A program and everything that is decided before it runs, as a view of constant data. All that a replica
/// needs: nothing of it depends on the model's type.
struct plan {
    plan_settings settings;
    std::span<buffer const> buffers;
    std::span<placement const> placements;
    std::span<operation const> operations;
    std::span<program_parameter const> parameters;
    std::span<std::int64_t const> parameter_offsets;
    std::span<bucket const> buckets;
    /// Of a training step: what each replica does, and who waits for whom.
    step_schedule_view steps;
    int forward_count = 0;
    int output = -1;
    int loss = -1;
    int divisor = -1;
    int correct = -1;
    int answers = -1;
    int input_gradient = -1;
    std::int64_t arena_bytes = 0;
    /// Elements of all parameters, and of all gradients, with the gaps that align them; those of state lie behind
    /// those that are trained.
    std::int64_t parameter_elements = 0;
    std::int64_t trained_elements = 0;

    /// Samples of the largest shard.
    constexpr std::int64_t shard_samples() const {
        return (settings.batch + settings.shards - 1) / settings.shards;
    }
    /// Bytes of a copy of all parameters, and of each value that an optimizer keeps for them.
    constexpr std::int64_t parameter_bytes() const { return parameter_elements * settings.element_bytes; }
    constexpr std::int64_t trained_bytes() const { return trained_elements * settings.element_bytes; }
    /// Bytes of the copy of all parameters from which operations read rounded ones; none where they read none.
    constexpr std::int64_t rounded_parameter_bytes() const {
        for (buffer const& b : buffers)
            if (b.kind == buffer_kind::parameter && is_rounded(b.content))
                return parameter_elements * bytes_of_element(b.content, settings.element_bytes);
        return 0;
    }
    /// What a device holds at most when `processes` train together.
    constexpr device_memory memory(int processes = 1) const {
        std::int64_t const own_shards = settings.shards / settings.replicas;
        std::int64_t const keepers = settings.sharded_optimizer ? processes : 1;
        device_memory m;
        m.arenas = arena_bytes * (shards_advance_together() ? own_shards : 1);
        m.gradients = parameter_bytes() * own_shards;
        m.parameters = parameter_bytes() / (settings.own_memory ? 1 : settings.replicas) + rounded_parameter_bytes();
        m.optimizer = trained_bytes() * settings.optimizer_states / keepers / (settings.updates_all ? 1 : settings.replicas);
        m.received = settings.across_processes ? trained_bytes() / settings.replicas : 0;
        return m;
    }
    constexpr std::int64_t peak_bytes(int, int processes = 1) const { return memory(processes).total(); }
    /// Bytes of gradients and parameters that a process sends in a step, and receives: slices' sums to their owners,
    /// and what came of the own one to all others.
    constexpr std::int64_t communicated_bytes(int processes) const {
        std::int64_t elements = 0;
        for (exchange const& e : steps.exchanges)
            if (e.kind == exchange_kind::scatter || e.kind == exchange_kind::gather || e.kind == exchange_kind::publish)
                elements += buckets[e.index].end - buckets[e.index].begin;
        return elements * settings.element_bytes * (processes - 1) / processes;
    }
    /// Whether a replica's shards meet within a pass, each in an arena of its own.
    constexpr bool shards_advance_together() const {
        if (settings.is_one_shard()) return false;
        for (operation const& op : operations)
            if (op.facts.is_collective) return true;
        return false;
    }
    /// Arithmetic operations of a full batch.
    constexpr double flops() const {
        double sum = 0.0;
        for (operation const& op : operations) sum += op.facts.flops;
        return sum * settings.batch;
    }
    /// Bytes that a step reads and writes, each time: by its operations, and by the reduction and update of buckets.
    constexpr double moved_bytes() const {
        double sum = 0.0;
        for (operation const& op : operations) sum += static_cast<double>(bytes(op, shard_samples())) * settings.shards;
        return sum + static_cast<double>(trained_bytes()) * (settings.shards + 2.0 * (1 + settings.optimizer_states));
    }
    /// Bytes that an operation reads and writes for a number of samples.
    constexpr std::int64_t bytes(operation const& op, std::int64_t samples) const {
        std::int64_t sum = bytes_of(buffers[op.result], samples);
        for (int k = 0; k < op.operand_count; ++k) sum += bytes_of(buffers[op.operands[k]], samples);
        return sum;
    }
    constexpr std::int64_t bytes_of(buffer const& b, std::int64_t samples) const {
        return b.shape.size() * (b.per_sample ? samples : 1) * bytes_of_element(b.content, settings.element_bytes);
    }
};

namespace detail {

/// A program in more room than it needs: for the compiler alone, nothing of it gets into an object file.
template <std::size_t Room>
struct roomy_program {
    values_within<buffer, Room> buffers;
    values_within<operation, Room> operations;
    values_within<program_parameter, Room> parameters;
    plan numbers;

    static constexpr roomy_program of(program const& p) {
        plan numbers;
        numbers.forward_count = p.forward_count;
        numbers.output = p.output;
        numbers.loss = p.loss;
        numbers.divisor = p.divisor;
        numbers.correct = p.correct;
        numbers.answers = p.answers;
        numbers.input_gradient = p.input_gradient;
        return {values_within<buffer, Room>::of(p.buffers), values_within<operation, Room>::of(p.operations),
                values_within<program_parameter, Room>::of(p.parameters), numbers};
    }
    constexpr std::size_t needed() const { return std::max({buffers.count, operations.count, parameters.count}); }
};

/// More than most programs have of anything; a ResNet-34 has 808 buffers. Room that is left empty costs g++ next to
/// nothing, nvcc some memory.
inline constexpr std::size_t usual_room = 1024;

template <class Source, std::size_t Room>
inline constexpr roomy_program<Room> program_in_room = [] {
    program const p = Source::build();
    return roomy_program<Room>::of(p);
}();

/// To build a program is what takes a compiler long, so it is built once; where the room is too small, a second time.
template <class Source, std::size_t Room>
constexpr auto const& fitting_program() {
    constexpr std::size_t needed = program_in_room<Source, Room>.needed();
    if constexpr (needed <= Room) return program_in_room<Source, Room>;
    else return program_in_room<Source, needed>;
}

/// A program as constant data, the same for all plans that use it.
template <class Source, std::size_t Room = usual_room>
struct static_program {
private:
    static constexpr auto const& roomy = fitting_program<Source, Room>();

public:
    static constexpr auto buffers = roomy.buffers.template first<roomy.buffers.count>();
    static constexpr auto operations = roomy.operations.template first<roomy.operations.count>();
    static constexpr auto parameters = roomy.parameters.template first<roomy.parameters.count>();
    /// A plan of its numbers alone.
    static constexpr plan numbers = roomy.numbers;
};

} // namespace detail

/// The plan for the program that `Source::build()` gives, with these settings, as constant data.
template <class Source, plan_settings Settings>
struct static_plan {
private:
    using program_data = detail::static_program<Source>;

    /// The program and its numbers, without what depends on the settings.
    static constexpr plan outline = [] {
        plan result = program_data::numbers;
        result.settings = Settings;
        result.buffers = program_data::buffers;
        result.operations = program_data::operations;
        result.parameters = program_data::parameters;
        return result;
    }();

    struct memory {
        detail::values_within<placement, program_data::buffers.size()> placements;
        detail::values_within<std::int64_t, program_data::parameters.size()> offsets;
        /// Each holds a parameter at least.
        detail::values_within<bucket, program_data::parameters.size()> buckets;
        std::int64_t arena_bytes;
        std::int64_t parameter_elements;
        std::int64_t trained_elements;
    };
    static constexpr memory data = [] {
        arena const a = plan_arena(outline, outline.shard_samples(), Settings.element_bytes);
        parameter_layout const layout = plan_buckets(outline, Settings.buckets, Settings.element_bytes);
        return memory{detail::values_within<placement, program_data::buffers.size()>::of(a.placements),
                      detail::values_within<std::int64_t, program_data::parameters.size()>::of(layout.offsets),
                      detail::values_within<bucket, program_data::parameters.size()>::of(layout.buckets),
                      a.bytes, layout.elements, layout.trained_elements};
    }();

    /// The plan without its schedule.
    static constexpr plan still = [] {
        plan result = outline;
        result.placements = data.placements.all();
        result.parameter_offsets = data.offsets.all();
        result.buckets = data.buckets.all();
        result.arena_bytes = data.arena_bytes;
        result.parameter_elements = data.parameter_elements;
        result.trained_elements = data.trained_elements;
        return result;
    }();

    struct schedule_sizes {
        std::size_t compute, update, events, exchanges;
    };
    static constexpr schedule_sizes size = [] {
        step_schedule const s = plan_schedule(still);
        return schedule_sizes{s.compute.size(), s.update.size(), s.events.size(), s.exchanges.size()};
    }();
    struct commands {
        detail::values_within<command, size.compute> compute;
        detail::values_within<command, size.update> update;
        detail::values_within<int, size.events> events;
        detail::values_within<exchange, size.exchanges> exchanges;
    };
    static constexpr commands step_data = [] {
        step_schedule const s = plan_schedule(still);
        return commands{detail::values_within<command, size.compute>::of(s.compute),
                        detail::values_within<command, size.update>::of(s.update),
                        detail::values_within<int, size.events>::of(s.events),
                        detail::values_within<exchange, size.exchanges>::of(s.exchanges)};
    }();

public:
    static constexpr plan value = [] {
        plan result = still;
        result.steps = {step_data.compute.all(), step_data.update.all(), step_data.events.all(),
                        step_data.exchanges.all()};
        return result;
    }();
};

} // namespace lockstep
