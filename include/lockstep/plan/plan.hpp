// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/arena.hpp>
#include <lockstep/plan/bucket.hpp>
#include <lockstep/plan/command.hpp>
#include <lockstep/plan/schedule.hpp>
#include <lockstep/plan/settings.hpp>
#include <lockstep/program/program.hpp>

#include <algorithm>
#include <array>
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
    /// What a device holds at most when `processes` train together.
    constexpr device_memory memory(int processes = 1) const {
        std::int64_t const own_shards = settings.shards / settings.replicas;
        std::int64_t const keepers = settings.sharded_optimizer ? processes : 1;
        device_memory m;
        m.arenas = arena_bytes * (shards_advance_together() ? own_shards : 1);
        m.gradients = parameter_bytes() * own_shards;
        m.parameters = parameter_bytes() / settings.replicas;
        m.optimizer = trained_bytes() * settings.optimizer_states / keepers / settings.replicas;
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
        int const element = b.content == leaf_content::class_index ? 4 : settings.element_bytes;
        return b.shape.size() * (b.per_sample ? samples : 1) * element;
    }
};

namespace detail {

template <class T, std::size_t Size>
constexpr std::array<T, Size> freeze(std::vector<T> const& values) {
    std::array<T, Size> result{};
    std::copy_n(values.begin(), Size, result.begin());
    return result;
}

/// A program as constant data. What a constant evaluation allocates cannot outlive it, so the program is built
/// twice, once for its sizes; but only once for all plans that use it.
template <class Source>
struct static_program {
    struct sizes {
        std::size_t buffers, operations, parameters;
    };
    static constexpr sizes size = [] {
        program const p = Source::build();
        return sizes{p.buffers.size(), p.operations.size(), p.parameters.size()};
    }();
    struct storage {
        std::array<buffer, size.buffers> buffers;
        std::array<operation, size.operations> operations;
        std::array<program_parameter, size.parameters> parameters;
        plan numbers;
    };
    static constexpr storage data = [] {
        program const p = Source::build();
        plan numbers;
        numbers.forward_count = p.forward_count;
        numbers.output = p.output;
        numbers.loss = p.loss;
        numbers.divisor = p.divisor;
        numbers.correct = p.correct;
        numbers.answers = p.answers;
        numbers.input_gradient = p.input_gradient;
        return storage{freeze<buffer, size.buffers>(p.buffers), freeze<operation, size.operations>(p.operations),
                       freeze<program_parameter, size.parameters>(p.parameters), numbers};
    }();
};

} // namespace detail

/// The plan for the program that `Source::build()` gives, with these settings, as constant data.
template <class Source, plan_settings Settings>
struct static_plan {
private:
    using program_data = detail::static_program<Source>;

    /// The program and its numbers, without what depends on the settings.
    static constexpr plan outline = [] {
        plan result = program_data::data.numbers;
        result.settings = Settings;
        result.buffers = program_data::data.buffers;
        result.operations = program_data::data.operations;
        result.parameters = program_data::data.parameters;
        return result;
    }();

    static constexpr std::size_t bucket_count =
        plan_buckets(outline, Settings.buckets, Settings.element_bytes).buckets.size();

    struct memory {
        std::array<placement, program_data::size.buffers> placements;
        std::array<std::int64_t, program_data::size.parameters> offsets;
        std::array<bucket, bucket_count> buckets;
        std::int64_t arena_bytes;
        std::int64_t parameter_elements;
        std::int64_t trained_elements;
    };
    static constexpr memory data = [] {
        arena const a = plan_arena(outline, outline.shard_samples(), Settings.element_bytes);
        parameter_layout const layout = plan_buckets(outline, Settings.buckets, Settings.element_bytes);
        return memory{detail::freeze<placement, program_data::size.buffers>(a.placements),
                       detail::freeze<std::int64_t, program_data::size.parameters>(layout.offsets),
                       detail::freeze<bucket, bucket_count>(layout.buckets), a.bytes, layout.elements,
                       layout.trained_elements};
    }();

    /// The plan without its schedule.
    static constexpr plan still = [] {
        plan result = outline;
        result.placements = data.placements;
        result.parameter_offsets = data.offsets;
        result.buckets = data.buckets;
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
        std::array<command, size.compute> compute;
        std::array<command, size.update> update;
        std::array<int, size.events> events;
        std::array<exchange, size.exchanges> exchanges;
    };
    static constexpr commands step_data = [] {
        step_schedule const s = plan_schedule(still);
        return commands{detail::freeze<command, size.compute>(s.compute), detail::freeze<command, size.update>(s.update),
                        detail::freeze<int, size.events>(s.events), detail::freeze<exchange, size.exchanges>(s.exchanges)};
    }();

public:
    static constexpr plan value = [] {
        plan result = still;
        result.steps = {step_data.compute, step_data.update, step_data.events, step_data.exchanges};
        return result;
    }();
};

} // namespace lockstep
