// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/grid/parallel.hpp>
#include <lockstep/train/grid/kernels.hpp>
#include <lockstep/train/grid/memory.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/update.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace lockstep::grid {

/// The work of a training step, which it puts into the streams of the replicas' devices: what each command of the plan's
/// schedule is. Plan is the static_plan of a training step.
template <class Parallel, class Optimizer, class Options, class Plan>
class step_work {
public:
    using T = typename Parallel::element;
    using P = typename Parallel::devices::platform;
    using stream = typename P::stream;
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas, shards = p.settings.shards, own_shards = shards / replicas;
    static constexpr int states = Optimizer::states;
    static constexpr bool meets = p.shards_advance_together();
    /// Whether the replicas' gradients are added by the platform, and each replica then updates all parameters. Otherwise every
    /// slice of a bucket has one owner, who adds the shards' gradients and updates it for all.
    static constexpr bool together = Parallel::reduces_together;
    /// Whether other processes have replicas too. What shards have in common is then all added by the platform.
    static constexpr bool across = Parallel::across_processes;
    static_assert(!across || own_shards == 1);

    using rules = std::array<decltype(rule_of_group<T>(std::declval<Optimizer const&>(), 0, 0)),
                             static_cast<std::size_t>(group_count<Optimizer>())>;
    using values = step_values<rules, typename Options::clip_type>;

    /// A batch, or rather what does not change from one batch to the next with as many samples.
    struct batch {
        std::array<sample_range, shards> parts{};
        /// Samples of all processes.
        std::int64_t whole = 0;
        accumulation how;
        bool is_sum = false;
        /// Which of its two places in memory.
        int slot = 0;
        /// Every shard keeps its values, in memory of its own.
        bool keeps_values = false;
    };

    explicit step_work(Parallel& model) : model_(&model) {
        for (int r = 0; r < replicas; ++r) {
            int const device = Parallel::device(r);
            update_streams_.emplace_back(device);
            memory_.emplace_back(device, static_cast<std::size_t>(layout.end));
            states_.emplace_back(device, static_cast<std::size_t>(states * owned_elements(r)) * sizeof(T));
            for (int slot = 0; slot < 2; ++slot) inputs_.emplace_back(device, static_cast<std::size_t>(slots.end));
            begun_.emplace_back(device);
            ended_.emplace_back(device);
            for (int q = 0; q < replicas; ++q) reaches_[r][q] = r == q || P::reaches(device, Parallel::device(q));
        }
        for (std::size_t e = 0; e < p.steps.events.size(); ++e)
            for (int r = 0; r < replicas; ++r) events_.emplace_back(Parallel::device(r));
        passes_.resize(shards);
        for (int s = 0; s < shards; ++s)
            if (meets || s % own_shards == 0) make_memory_of(s);
    }

    static constexpr int replica_of(int shard) { return shard / own_shards; }
    stream const& compute(int r) const { return model_->stream(r); }
    stream const& update(int r) const { return update_streams_[index(r)]; }
    void synchronize() const {
        for (int r = 0; r < replicas; ++r) model_->wait_for(compute(r)), model_->wait_for(update(r));
    }

    // ---- memory ----

    static constexpr step_layout layout = step_layout::of(p, Options::accumulates, together, across);
    static constexpr input_layout slots = input_layout::of(p, own_shards * p.shard_samples(), sizeof(values));

    /// The samples of a batch, laid out as `slots` says.
    std::byte* inputs(int r, int slot) const { return inputs_[index(r * 2 + slot)].data(); }
    template <class U>
    U* place(int r, std::int64_t offset) const {
        return reinterpret_cast<U*>(memory_[index(r)].data() + offset);
    }
    T* gradient(int shard) const {
        return place<T>(replica_of(shard), layout.gradients + shard % own_shards * p.parameter_bytes());
    }
    T* parameters(int r) const { return reinterpret_cast<T*>(model_->parameters_on(r)); }
    /// The mean gradient takes the place of a replica's first shard's.
    T* mean(int r) const { return place<T>(r, layout.gradients); }

    /// The elements of a bucket that a replica updates.
    static constexpr bucket_slice owned(int r, int number) {
        bucket const& b = p.buckets[index(number)];
        return together ? bucket_slice{b.begin, b.end} : slice_of(b, r, replicas);
    }
    /// Those of the first so many buckets.
    static constexpr std::int64_t owned_elements(int r, int bucket_count = static_cast<int>(p.buckets.size())) {
        std::int64_t sum = 0;
        for (int b = 0; b < bucket_count; ++b) sum += size_of(owned(r, b));
        return sum;
    }
    /// What the optimizer keeps for a replica's slice of a bucket, addressed as the parameters are.
    T* state(int r, int number, int of_bucket) const {
        return reinterpret_cast<T*>(states_[index(r)].data()) + number * owned_elements(r) + owned_elements(r, of_bucket) -
               owned(r, of_bucket).begin;
    }

    /// Memory for the values of every shard.
    void keep_all_values() {
        for (int s = 0; s < shards; ++s)
            if (passes_[index(s)] == nullptr) make_memory_of(s);
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

    bool takes_part(batch const& b, int shard) const { return meets || b.parts[index(shard)].count > 0; }

    /// Of no samples nothing is computed: the gradient is 0.
    void begin(int r, int shard, batch const& b) {
        // Those of other replicas are 0, until all are added.
        if constexpr (across) P::clear(compute(r), place<std::byte>(r, layout.results), sizeof(shard_sums) * shards);
        if (!takes_part(b, shard))
            P::clear(compute(r), reinterpret_cast<std::byte*>(gradient(shard)), static_cast<std::size_t>(p.parameter_bytes()));
    }
    void run(int r, int shard, batch const& b, int first, int last) {
        if (takes_part(b, shard)) memory_of(shard, b).run(compute(r), place_of(shard, b), first, last);
    }
    void keep_results(int r, int shard, batch const& b) {
        typename keep_sums<T, replicas>::argument a;
        if (takes_part(b, shard)) {
            a.loss = address(shard, b, p.loss);
            if (p.divisor >= 0) a.divisor = address(shard, b, p.divisor);
        }
        a.samples = b.parts[index(shard)].count;
        a.shard = shard;
        if constexpr (across) a.results.at[a.results.count++] = place<shard_sums>(r, layout.results);
        else a.results = everywhere<shard_sums>(r, layout.results);
        P::template launch<keep_sums<T, replicas>>(compute(r), a);
        if constexpr (!across) publish<shard_sums>(compute(r), r, layout.results, shard, 1);
    }
    /// The results of all shards, of all processes.
    void add_results() {
        static_assert(sizeof(shard_sums) == 2 * sizeof(double));
        add_everywhere<double>(false, [&](int r) { return place<double>(r, layout.results); }, 2 * shards);
    }
    /// A collective operation over all processes, said for all replicas at once.
    void sum_all_shards(int at, batch const& b) {
        operation const& op = p.operations[index(at)];
        std::int64_t const size = p.buffers[index(op.result)].shape.size();
        auto const result = [&](int r) { return memory_of(r, b).template value<T>(op.result); };
        for (int r = 0; r < replicas; ++r) copy(compute(r), result(r), memory_of(r, b).template value<T>(op.operands[0]), size);
        add_everywhere<T>(true, result, size);
    }
    /// What the shards of all processes observed of each state, to each replica's, said for all at once.
    void merge_all(batch const& b) {
        // Addressed as the states are. The backward pass may still read what its own shard observed.
        auto const observed = [&](int r) { return place<T>(r, layout.observed) - p.trained_elements; };
        for (std::size_t i = 0; i < p.parameters.size(); ++i) {
            if (!p.parameters[i].observed) continue;
            std::int64_t const begin = p.parameter_offsets[i], size = p.parameters[i].declared.shape.size();
            merge_rule const rule = p.parameters[i].declared.merge;
            for (int r = 0; r < replicas; ++r)
                P::template launch<observe_state<T>>(
                    update(r), {begin, size, b.parts[index(r)].count, rule, gradient(r), observed(r)});
            add_everywhere<T>(false, [&](int r) { return observed(r) + begin; }, size,
                              rule.how == merge_kind::maximum ? combination::maximum : combination::sum);
            for (int r = 0; r < replicas; ++r)
                P::template launch<merge_observed<T>>(update(r), {begin, size, b.whole, rule, observed(r), parameters(r)});
        }
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
            typename merge_state<T, shards, replicas>::argument a;
            a.begin = p.parameter_offsets[i];
            a.size = p.parameters[i].declared.shape.size();
            a.rule = p.parameters[i].declared.merge;
            for (int s = 0; s < shards; ++s) {
                a.samples[s] = b.parts[index(s)].count;
                a.observations[s] = bring(update(r), r, replica_of(s), gradient(s), a.begin, a.size, layout.slices + s * layout.slice_bytes);
            }
            a.states = parameters_everywhere(r);
            P::template launch<merge_state<T, shards, replicas>>(update(r), a);
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
        if (!together && !b.how.waits) publish<T>(update(r), r, layout.gradients, own.begin, size_of(own));
    }
    void reduce_and_update_bucket(int r, int number, batch const& b) {
        if (together && b.how.waits) return;
        for_slices(r, number, b, true, [&](auto const& part) { P::template launch<reduce_and_update<slice_type>>(update(r), part); });
        bucket_slice const own = owned(r, number);
        if (!together && !b.how.waits) publish_parameters(r, own.begin, size_of(own));
    }
    void measure(int r) {
        constexpr std::int64_t blocks = lockstep::detail::norm_blocks(p.trained_elements);
        typename measure_blocks<T, replicas>::argument a;
        a.mean = mean(r);
        a.elements = p.trained_elements;
        a.first_block = together ? 0 : blocks * r / replicas;
        a.last_block = together ? blocks : blocks * (r + 1) / replicas;
        a.squares = where_reduced<double>(r, [&](int q) { return place<double>(q, layout.squares); });
        P::template launch<measure_blocks<T, replicas>>(update(r), a);
        if (!together) publish<double>(update(r), r, layout.squares, a.first_block, a.last_block - a.first_block);
    }
    void update_bucket(int r, int number, batch const& b) {
        constexpr int blocks = static_cast<int>(lockstep::detail::norm_blocks(p.trained_elements));
        if (Options::clip_type::needs_norm && number == 0)
            P::template launch<add_blocks<blocks>>(update(r), {place<double>(r, layout.squares), place<double>(r, layout.norm)});
        for_slices(r, number, b, false, [&](auto const& part) { P::template launch<update_from_mean<slice_type>>(update(r), part); });
        bucket_slice const own = owned(r, number);
        if (!together) publish_parameters(r, own.begin, size_of(own));
    }
    void keep_what_is_counted(int r, batch const& b) {
        P::template launch<keep_counted<shards>>(compute(r), {place<shard_sums>(r, layout.results), place<double>(r, layout.counted), b.how});
    }

private:
    using slice_type = slice<T, together ? 1 : shards, shards, replicas, states, values>;

    static constexpr std::size_t index(int number) { return static_cast<std::size_t>(number); }
    static constexpr std::int64_t size_of(bucket_slice const& s) { return s.end - s.begin; }

    void make_memory_of(int shard) {
        int const r = replica_of(shard);
        passes_[index(shard)] = std::make_unique<replica<P>>(p, Parallel::device(r), model_->parameters_on(r),
                                                             make_key(model_->initial_seed().value));
    }
    /// Shards of one replica use the same memory one after the other, unless all of them keep their values.
    replica<P> const& memory_of(int shard, batch const& b) const {
        return *passes_[index(meets || b.keeps_values ? shard : replica_of(shard) * own_shards)];
    }
    T* address(int shard, batch const& b, int buffer) const {
        return memory_of(shard, b).template address<T>(place_of(shard, b), buffer);
    }
    values const* values_of(int r, batch const& b) const { return reinterpret_cast<values const*>(inputs(r, b.slot)); }

    shard_place place_of(int shard, batch const& b) const {
        int const r = replica_of(shard);
        std::byte* const samples = inputs(r, b.slot);
        std::int64_t const before = b.parts[index(shard)].first - b.parts[index(r * own_shards)].first;
        return {.inputs = samples + slots.inputs + before * sample_bytes(p, buffer_kind::input),
                .targets = samples + slots.targets + before * sample_bytes(p, buffer_kind::target),
                .gradients = reinterpret_cast<std::byte*>(gradient(shard)),
                .samples = b.parts[index(shard)].count,
                .first_sample = b.parts[index(shard)].first,
                .step = &values_of(r, b)->step};
    }

    // ---- other replicas' memory ----

    /// The same place of the memory of a step in all replicas that a kernel of this one's reaches, its own first.
    template <class U>
    places<U, replicas> everywhere(int r, std::int64_t offset) const {
        return everywhere_reached<U>(r, [&](int q) { return place<U>(q, offset); });
    }
    places<T, replicas> parameters_everywhere(int r) const {
        return everywhere_reached<T>(r, [&](int q) { return parameters(q); });
    }
    template <class U, class Place>
    places<U, replicas> everywhere_reached(int r, Place const& of) const {
        places<U, replicas> all;
        all.at[all.count++] = of(r);
        for (int q = 0; q < replicas; ++q)
            if (q != r && reaches_[r][q]) all.at[all.count++] = of(q);
        return all;
    }
    /// Where a replica writes what it has reduced: for all, or where each does that, for itself.
    template <class U, class Place>
    places<U, replicas> where_reduced(int r, Place const& of) const {
        if constexpr (together) {
            places<U, replicas> own;
            own.at[own.count++] = of(r);
            return own;
        } else return everywhere_reached<U>(r, of);
    }
    /// And copies for those that it does not reach, of elements first to first + count - 1.
    template <class U>
    void publish(stream const& s, int r, std::int64_t offset, std::int64_t first, std::int64_t count) const {
        for (int q = 0; q < replicas; ++q)
            if (!reaches_[r][q]) copy(s, place<U>(q, offset) + first, place<U>(r, offset) + first, count);
    }
    void publish_parameters(int r, std::int64_t first, std::int64_t count) const {
        for (int q = 0; q < replicas; ++q)
            if (!reaches_[r][q]) copy(update(r), parameters(q) + first, parameters(r) + first, count);
    }
    /// Elements of another replica's, where this one's kernels read them, addressed as they are there.
    T const* bring(stream const& s, int r, int q, T const* theirs, std::int64_t first, std::int64_t count, std::int64_t offset) const {
        if (reaches_[r][q]) return theirs;
        T* const own = place<T>(r, offset);
        copy(s, own, theirs + first, count);
        return own - first;
    }
    template <class U>
    static void copy(stream const& s, U* to, U const* from, std::int64_t count) {
        P::copy(s, reinterpret_cast<std::byte*>(to), reinterpret_cast<std::byte const*>(from), static_cast<std::size_t>(count) * sizeof(U));
    }

    /// What lies in a place of each replica, to all of them, behind what is in their streams.
    template <class U, class Place>
    void add_everywhere(bool in_compute, Place const& of, std::int64_t count, combination how = combination::sum) {
        std::array<stream const*, replicas> order{};
        std::array<U*, replicas> places_of_all{};
        for (int r = 0; r < replicas; ++r) {
            order[index(r)] = in_compute ? &compute(r) : &update(r);
            places_of_all[index(r)] = of(r);
        }
        model_->communicators().template all_reduce<U>(order, places_of_all, count, how);
    }

    // ---- slices ----

    void add_own(int r, bucket const& all, batch const& b) {
        if (own_shards == 1 && !b.how.waits && !b.how.continues) return;
        typename add_own_gradients<T, own_shards>::argument a;
        a.begin = all.begin;
        a.end = all.end;
        a.how = b.how;
        for (int s = 0; s < own_shards; ++s) a.gradients[s] = gradient(r * own_shards + s);
        if (Options::accumulates) a.accumulated = place<T>(r, layout.accumulated);
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
            if (Options::accumulates) part.accumulated = place<T>(r, layout.accumulated);
        }
        part.mean = where_reduced<T>(r, [&](int q) { return mean(q); });
        part.parameters = where_reduced<T>(r, [&](int q) { return parameters(q); });
        for (int k = 0; k < states; ++k) part.states[k] = state(r, k, number);
        part.results = place<shard_sums>(r, layout.results);
        part.before = place<double>(r, layout.counted);
        if (Options::clip_type::needs_norm) part.norm = place<double>(r, layout.norm);
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
                goes_on |= advance(r, b, p.steps.compute, next[index(2 * r)], compute(r));
                goes_on |= advance(r, b, p.steps.update, next[index(2 * r + 1)], update(r));
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
    bool advance(int r, batch const& b, std::span<command const> commands, std::size_t& next, stream const& s) {
        std::size_t const first = next;
        for (; next < commands.size(); ++next) {
            command const& c = commands[next];
            if (c.kind == command_kind::wait && arrived_[index(c.index)] < p.steps.events[index(c.index)]) break;
            if (is_joint(c)) break;
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
    static void for_shards(command const& c, int r, Work const& work) {
        for (int k = c.first_shard; k < c.last_shard; ++k) work(r * own_shards + k);
    }

    Parallel* model_;
    std::vector<stream> update_streams_;
    std::vector<typename P::event> begun_, ended_, events_;
    std::vector<typename P::memory> memory_, states_, inputs_;
    std::vector<std::unique_ptr<replica<P>>> passes_;
    bool reaches_[replicas][replicas] = {};
    std::array<int, p.steps.events.size()> arrived_{};
};

} // namespace lockstep::grid
