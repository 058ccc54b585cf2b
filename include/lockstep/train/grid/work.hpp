// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/range.hpp>
#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/grid/parallel.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/train/grid/kernels.hpp>
#include <lockstep/train/grid/state_runs.hpp>
#include <lockstep/train/grid/step_memory.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/update.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep::grid {

/// The work of a training step, which it puts into the streams of the replicas' devices: what each command of the plan's
/// schedule is. In profilers each command is a range with the name that the plan has for it, and so is each shard. Plan is the static_plan of a training step.
template <class Parallel, class Optimizer, class Options, class Plan>
class step_work : public step_memory<Parallel, Optimizer, Options, Plan> {
    using memory = step_memory<Parallel, Optimizer, Options, Plan>;

public:
    using typename memory::batch;
    using typename memory::P;
    using typename memory::stream;
    using typename memory::T;
    using typename memory::values;
    using memory::across, memory::layout, memory::meets, memory::own_shards, memory::p, memory::replicas, memory::shards,
        memory::states, memory::together;
    using memory::compute, memory::gradient, memory::mean, memory::owned, memory::parameters, memory::replica_of,
        memory::state, memory::takes_part, memory::update;

    explicit step_work(Parallel& on) : memory(on) {
        for (int r = 0; r < replicas; ++r) {
            begun_.emplace_back(Parallel::device(r));
            ended_.emplace_back(Parallel::device(r));
        }
        for (std::size_t e = 0; e < p.steps.events.size(); ++e)
            for (int r = 0; r < replicas; ++r) events_.emplace_back(Parallel::device(r));
    }

    // ---- a step as a whole ----

    /// Into the first replica's stream, from which the others start and to which they return.
    void whole_step(batch const& b) {
        std::ranges::fill(arrived_, 0);
        compute(0).record(begun_[0]);
        for (int r = 0; r < replicas; ++r) {
            if (r > 0) compute(r).wait(begun_[0]);
            update(r).wait(begun_[0]);
        }
        carry_out_schedule(b);
        for (int r = 0; r < replicas; ++r) {
            if constexpr (Options::accumulates) keep_what_is_counted(r, b);
            if (r == 0) continue;
            compute(r).record(ended_[index(r)]);
            compute(0).wait(ended_[index(r)]);
        }
    }

    // ---- its parts ----

    /// Of no samples nothing is computed: the gradient is 0.
    void begin(int r, int shard, batch const& b) {
        // Those of other replicas are 0, until all are added.
        if constexpr (across) P::clear(compute(r), this->template place<std::byte>(r, layout.results), sizeof(shard_sums) * shards);
        if (!takes_part(b, shard))
            P::clear(compute(r), reinterpret_cast<std::byte*>(gradient(shard)), static_cast<std::size_t>(p.parameter_bytes()));
    }
    void run(int r, int shard, batch const& b, int first, int last) {
        if (takes_part(b, shard)) memory_of(shard, b).run(compute(r), place_of(shard, b), first, last);
    }
    void keep_results(int r, int shard, batch const& b) {
        typename keep_sums<T>::argument a;
        if (takes_part(b, shard)) {
            a.loss = address(shard, b, p.loss);
            if (p.divisor >= 0) a.divisor = address(shard, b, p.divisor);
        }
        a.samples = b.parts[index(shard)].count;
        a.shard = shard;
        if constexpr (across) a.results.at[a.results.count++] = this->template place<shard_sums>(r, layout.results);
        else a.results = this->template everywhere<shard_sums>(r, layout.results);
        P::template launch<keep_sums<T>>(compute(r), a);
        if constexpr (!across) this->template publish<shard_sums>(compute(r), r, layout.results, shard, 1);
    }
    /// The results of all shards, of all processes.
    void add_results() {
        static_assert(sizeof(shard_sums) == 2 * sizeof(double));
        add_everywhere<double>(false, [&](int r) { return this->template place<double>(r, layout.results); }, 2 * shards);
    }
    /// A collective operation over all processes, said for all replicas at once.
    void sum_all_shards(int at, batch const& b) {
        operation const& op = p.operations[index(at)];
        std::int64_t const size = p.buffers[index(op.result)].shape.size();
        auto const result = [&](int r) { return address(r, b, op.result); };
        for (int r = 0; r < replicas; ++r) copy(compute(r), result(r), address(r, b, op.operands[0]), size);
        add_everywhere<T>(true, result, size);
    }
    /// What the shards of all processes observed of each state, to each replica's, said for all at once.
    void merge_all(batch const& b) {
        // Addressed as the states are. The backward pass may still read what its own shard observed.
        auto const observed = [&](int r) { return this->template place<T>(r, layout.observed) - p.trained_elements; };
        auto const for_all_states = [&](auto const& what) {
            for (int r = 0; r < replicas; ++r)
                for (std::size_t i = 0; i < p.parameters.size(); ++i)
                    if (p.parameters[i].observed)
                        what(r, p.parameter_offsets[i], p.parameters[i].declared.shape.size(), p.parameters[i].declared.merge);
        };
        for_all_states([&](int r, std::int64_t begin, std::int64_t size, merge_rule const& rule) {
            P::template launch<observe_state<T>>(update(r),
                                                 {begin, size, b.parts[index(r)].count, rule, gradient(r), observed(r)});
        });
        for (state_run const& run : state_runs<Plan>.all())
            add_everywhere<T>(false, [&](int r) { return observed(r) + run.begin; }, run.end - run.begin, run.how);
        for_all_states([&](int r, std::int64_t begin, std::int64_t size, merge_rule const& rule) {
            P::template launch<merge_observed<T>>(update(r), {begin, size, b.whole, rule, observed(r), parameters(r)});
        });
    }
    void sum_shards(int r, int at, batch const& b) {
        operation const& op = p.operations[index(at)];
        typename add_shards<T, shards>::argument a;
        a.size = p.buffers[index(op.result)].shape.size();
        for (int s = 0; s < shards; ++s)
            a.values[s] = bring(compute(r), r, replica_of(s), address(s, b, op.operands[0]), 0, a.size,
                                layout.values + s * layout.value_bytes);
        for (int s = r * own_shards; s < (r + 1) * own_shards; ++s) a.sums[a.count++] = address(s, b, op.result);
        P::template launch<add_shards<T, shards>>(compute(r), a);
    }
    void merge(int r, batch const& b) {
        int number = 0;
        for (std::size_t i = 0; i < p.parameters.size(); ++i) {
            if (!p.parameters[i].observed || number++ % replicas != r) continue;
            typename merge_state<T, shards>::argument a;
            a.begin = p.parameter_offsets[i];
            a.size = p.parameters[i].declared.shape.size();
            a.rule = p.parameters[i].declared.merge;
            for (int s = 0; s < shards; ++s) {
                a.samples[s] = b.parts[index(s)].count;
                a.observations[s] = bring(update(r), r, replica_of(s), gradient(s), a.begin, a.size, layout.slices + s * layout.slice_bytes);
            }
            a.states = parameters_everywhere(r);
            P::template launch<merge_state<T, shards>>(update(r), a);
            publish_parameters(r, a.begin, a.size);
        }
    }
    /// Where replicas reduce together: the sum of all gradients, at each replica, in the place of the mean. What waits for a
    /// later batch is added to by the own shards alone. Said for all replicas at once, bucket after bucket.
    void add_bucket(int number, batch const& b) {
        bucket const& all = p.buckets[index(number)];
        for (int r = 0; r < replicas; ++r) add_own(r, all, b);
        if (!b.how.waits) add_everywhere<T>(false, [&](int r) { return mean(r) + all.begin; }, all.end - all.begin);
    }
    void reduce_bucket(int r, int number, batch const& b) {
        if (together && b.how.waits) return;
        for_slices(r, number, b, true, [&](auto const& part) { P::template launch<reduce_to_mean<slice_type>>(update(r), part); });
        bucket_slice const own = owned(r, number);
        if (!together && !b.how.waits) this->template publish<T>(update(r), r, layout.gradients, own.begin, size_of(own));
    }
    void reduce_and_update_bucket(int r, int number, batch const& b) {
        if (together && b.how.waits) return;
        for_slices(r, number, b, true, [&](auto const& part) { P::template launch<reduce_and_update<slice_type>>(update(r), part); });
        bucket_slice const own = owned(r, number);
        if (!together && !b.how.waits) publish_parameters(r, own.begin, size_of(own));
    }
    void measure(int r) {
        constexpr std::int64_t blocks = lockstep::detail::norm_blocks(p.trained_elements);
        typename measure_blocks<T>::argument a;
        a.mean = mean(r);
        a.elements = p.trained_elements;
        a.first_block = together ? 0 : blocks * r / replicas;
        a.last_block = together ? blocks : blocks * (r + 1) / replicas;
        a.squares = this->template where_reduced<double>(r, [&](int q) { return this->template place<double>(q, layout.squares); });
        P::template launch<measure_blocks<T>>(update(r), a);
        if (!together) this->template publish<double>(update(r), r, layout.squares, a.first_block, a.last_block - a.first_block);
    }
    void update_bucket(int r, int number, batch const& b) {
        constexpr int blocks = static_cast<int>(lockstep::detail::norm_blocks(p.trained_elements));
        if (p.settings.needs_norm && number == 0)
            P::template launch<add_blocks<blocks>>(update(r), {this->template place<double>(r, layout.squares), this->template place<double>(r, layout.norm)});
        for_slices(r, number, b, false, [&](auto const& part) { P::template launch<update_from_mean<slice_type>>(update(r), part); });
        bucket_slice const own = owned(r, number);
        if (!together) publish_parameters(r, own.begin, size_of(own));
    }
    void keep_what_is_counted(int r, batch const& b) {
        P::template launch<keep_counted<shards>>(compute(r), {this->template place<shard_sums>(r, layout.results), this->template place<double>(r, layout.counted), b.how});
    }

private:
    using slice_type = slice<T, together ? 1 : shards, shards, states, values, typename Parallel::rounded_type, Parallel::scales_loss>;
    using memory::address, memory::bring, memory::copy, memory::index, memory::memory_of, memory::parameters_everywhere,
        memory::place_of, memory::publish_parameters, memory::size_of, memory::values_of;

    /// What lies in a place of each replica, to all of them, behind what is in their streams.
    template <class U, class Place>
    void add_everywhere(bool in_compute, Place const& of, std::int64_t count, combination how = combination::sum) {
        std::array<stream const*, replicas> order{};
        std::array<U*, replicas> places_of_all{};
        for (int r = 0; r < replicas; ++r) {
            order[index(r)] = in_compute ? &compute(r) : &update(r);
            places_of_all[index(r)] = of(r);
        }
        this->model().communicators().template all_reduce<U>(order, places_of_all, count, how);
    }

    // ---- slices ----

    void add_own(int r, bucket const& all, batch const& b) {
        if (own_shards == 1 && !b.how.waits && !b.how.continues) return;
        typename add_own_gradients<T, own_shards>::argument a;
        a.begin = all.begin;
        a.end = all.end;
        a.how = b.how;
        for (int s = 0; s < own_shards; ++s) a.gradients[s] = gradient(r * own_shards + s);
        if (Options::accumulates) a.accumulated = this->template place<T>(r, layout.accumulated);
        P::template launch<add_own_gradients<T, own_shards>>(update(r), a);
    }

    /// Calls launch(part) for the parts of a replica's slice of a bucket that belong to one group of the optimizer.
    template <class Launch>
    void for_slices(int r, int number, batch const& b, bool reads_gradients, Launch const& launch) {
        bucket_slice const own = owned(r, number);
        if (size_of(own) == 0) return;
        slice_type part;
        part.how = b.how;
        part.is_sum = b.is_sum;
        if constexpr (together) part.gradients[0] = mean(r);
        else {
            for (int s = 0; reads_gradients && s < shards; ++s)
                part.gradients[s] = bring(update(r), r, replica_of(s), gradient(s), own.begin, size_of(own),
                                          layout.slices + s * layout.slice_bytes);
            if (Options::accumulates) part.accumulated = this->template place<T>(r, layout.accumulated);
        }
        part.mean = this->template where_reduced<T>(r, [&](int q) { return mean(q); });
        part.parameters = this->template where_reduced<T>(r, [&](int q) { return parameters(q); });
        if constexpr (memory::rounds)
            part.rounded = this->template where_reduced<typename Parallel::rounded_type>(r, [&](int q) { return this->model().rounded_parameters_on(q); });
        for (int k = 0; k < states; ++k) part.states[k] = state(r, k, number);
        part.results = this->template place<shard_sums>(r, layout.results);
        part.before = this->template place<double>(r, layout.counted);
        if (p.settings.needs_norm) part.norm = this->template place<double>(r, layout.norm);
        part.values = values_of(r, b);
        for (lockstep::detail::group_range const& range : lockstep::detail::static_group_ranges<Optimizer, Plan>.all()) {
            part.begin = std::max(own.begin, range.begin);
            part.end = std::min(own.end, range.end);
            part.group = range.group;
            if (part.begin < part.end) launch(part);
        }
    }

    // ---- the schedule ----

    /// Puts every command into its stream, those of one stream in their order, and a wait behind all arrivals: what waits
    /// for an event waits for those that are in their streams by then.
    void carry_out_schedule(batch const& b) {
        std::array<std::size_t, 2 * replicas> next{};
        bool goes_on = true;
        while (goes_on) {
            goes_on = false;
            for (int r = 0; r < replicas; ++r) {
                goes_on |= advance(r, b, p.steps.compute, compute_names_, next[index(2 * r)], compute(r));
                goes_on |= advance(r, b, p.steps.update, update_names_, next[index(2 * r + 1)], update(r));
            }
            if constexpr (across) goes_on |= perform_together(b, p.steps.compute, 0, next);
            if constexpr (together) goes_on |= perform_together(b, p.steps.update, 1, next);
        }
    }
    static constexpr bool is_reduction(command const& c) {
        return c.kind == command_kind::reduce || c.kind == command_kind::reduce_and_update;
    }
    /// What is said for all replicas at once.
    static constexpr bool is_joint(command const& c) {
        return (together && is_reduction(c)) ||
               (across && (c.kind == command_kind::merge || c.kind == command_kind::sum_shards));
    }
    /// The next of these, in one of the replicas' two streams, when all have come to it.
    bool perform_together(batch const& b, std::span<command const> commands, int which,
                          std::array<std::size_t, 2 * replicas>& next) {
        std::size_t const at = next[index(which)];
        for (int r = 0; r < replicas; ++r)
            if (next[index(2 * r + which)] != at) return false;
        if (at == commands.size() || !is_joint(commands[at])) return false;
        command const& c = commands[at];
        [[maybe_unused]] auto const range = (which == 0 ? compute_names_ : update_names_)[at];
        if (c.kind == command_kind::merge) merge_all(b);
        else if (c.kind == command_kind::sum_shards) sum_all_shards(c.index, b);
        else {
            // A mean counts the samples of all processes.
            if (across && c.index == 0) add_results();
            add_bucket(c.index, b);
            for (int r = 0; r < replicas; ++r) perform(c, r, b, update(r));
        }
        for (int r = 0; r < replicas; ++r) ++next[index(2 * r + which)];
        return true;
    }
    bool advance(int r, batch const& b, std::span<command const> commands, range_names<P> const& names, std::size_t& next,
                 stream const& s) {
        std::size_t const first = next;
        for (; next < commands.size(); ++next) {
            command const& c = commands[next];
            if (c.kind == command_kind::wait && arrived_[index(c.index)] < p.steps.events[index(c.index)]) break;
            if (is_joint(c)) break;
            [[maybe_unused]] auto const range = names[next];
            perform(c, r, b, s);
        }
        return next != first;
    }
    void perform(command const& c, int r, batch const& b, stream const& s) {
        switch (c.kind) {
        case command_kind::arrive:
            s.record(events_[index(c.index * replicas + r)]);
            ++arrived_[index(c.index)];
            return;
        case command_kind::wait:
            for (int q = 0; q < replicas; ++q) s.wait(events_[index(c.index * replicas + q)]);
            return;
        case command_kind::begin: return for_shards(c, r, [&](int shard) { begin(r, shard, b); });
        case command_kind::run: return for_shards(c, r, [&](int shard) { run(r, shard, b, c.first, c.last); });
        case command_kind::keep_results: return for_shards(c, r, [&](int shard) { keep_results(r, shard, b); });
        case command_kind::sum_shards: return sum_shards(r, c.index, b);
        case command_kind::merge: return merge(r, b);
        case command_kind::reduce: return reduce_bucket(r, c.index, b);
        case command_kind::reduce_and_update: return reduce_and_update_bucket(r, c.index, b);
        case command_kind::measure:
            if (!b.how.waits) measure(r);
            return;
        case command_kind::update:
            if (!b.how.waits) update_bucket(r, c.index, b);
            return;
        default: return;
        }
    }
    template <class Work>
    void for_shards(command const& c, int r, Work const& work) const {
        for (int k = c.first_shard; k < c.last_shard; ++k) {
            int const shard = r * own_shards + k;
            [[maybe_unused]] auto const range = shard_names_[index(shard)];
            work(shard);
        }
    }
    static range_names<P> names_of(std::span<command const> commands) {
        return {commands.size(), [&](std::size_t i) { return lockstep::detail::describe(p, commands[i]); }};
    }

    range_names<P> compute_names_ = names_of(p.steps.compute), update_names_ = names_of(p.steps.update);
    range_names<P> shard_names_{index(shards), [](std::size_t shard) { return "shard " + std::to_string(shard); }};
    std::vector<typename P::event> begun_, ended_, events_;
    std::array<int, p.steps.events.size()> arrived_{};
};

} // namespace lockstep::grid
