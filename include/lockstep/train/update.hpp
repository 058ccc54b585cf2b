// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/optimizer.hpp>
#include <lockstep/train/step_call.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace lockstep::detail {

/// Elements of parameters that belong to one group of an optimizer.
struct group_range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
    int group = 0;
};

/// The elements of all parameters that are trained, in their order in memory.
template <class Optimizer>
constexpr std::vector<group_range> group_ranges(plan const& p) {
    // Sorting takes the compiler longer than all else here.
    if constexpr (group_count<Optimizer>() == 1) return {{0, p.trained_elements, 0}};
    std::vector<group_range> each;
    for (std::size_t i = 0; i < p.parameters.size(); ++i) {
        local_parameter const& declared = p.parameters[i].declared;
        if (!declared.is_trained()) continue;
        std::int64_t const begin = p.parameter_offsets[i];
        each.push_back({begin, begin + align_up(declared.shape.size(), slice_alignment),
                        group_of_tag<Optimizer>(declared.tag)});
    }
    std::ranges::sort(each, {}, &group_range::begin);
    std::vector<group_range> joined;
    for (group_range const& range : each)
        if (!joined.empty() && joined.back().group == range.group) joined.back().end = range.end;
        else joined.push_back(range);
    return joined;
}

template <class Optimizer, class Plan>
inline constexpr auto static_group_ranges =
    values_within<group_range, Plan::value.parameters.size()>(group_ranges<Optimizer>(Plan::value));

/// What follows a backward pass: the mean gradient, its norm where it is clipped by that, and the optimizer's
/// formula. Every replica calls each part for the slices that it owns, in the order of a plan's schedule. Plan is the
/// static_plan of a training step.
///
/// Over several batches gradients are accumulated: what a batch adds is a tree's sum over its shards, and these sums are
/// added in the order of the batches.
template <class T, class Optimizer, class Options, class Plan>
class parameter_update {
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas;
    using clip = typename Options::clip_type;

public:
    static constexpr std::size_t states = Optimizer::states;
    static constexpr int shards = p.settings.shards;
    /// What is not trained lies behind them.
    static constexpr std::int64_t elements = p.trained_elements;
    using shard_gradients = std::array<T const*, shards>;

    /// `process` of `processes` keeps what the optimizer has for its own slices, where that is sharded, or for all.
    parameter_update(T* parameters, Optimizer const& optimizer, Options const& options, int process = 0, int processes = 1)
        : parameters_(parameters), optimizer_(optimizer), clip_(options.clip), process_(process), processes_(processes) {
        std::int64_t kept = 0;
        for (bucket const& b : p.buckets) {
            bucket_slice const slice = kept_slice(b);
            state_shift_.push_back(kept - slice.begin);
            kept += slice.end - slice.begin;
        }
        kept_elements_ = kept;
        for (host_memory& state : states_) state = host_memory(static_cast<std::size_t>(kept) * sizeof(T));
        if constexpr (Options::accumulates) accumulated_ = host_memory(static_cast<std::size_t>(elements) * sizeof(T));
        if (clip::needs_norm) partial_squares_.resize(norm_blocks(elements));
    }

    /// What the optimizer keeps starts at 0. Each replica touches first what it will update.
    void clear(int replica) {
        for (std::size_t b = 0; b < p.buckets.size(); ++b) {
            bucket_slice const own = share(kept_slice(p.buckets[b]), replica);
            for (T* const values : state_addresses(static_cast<int>(b))) std::fill(values + own.begin, values + own.end, T{});
        }
    }

    /// A replica's part of a bucket, of all of it or of its process' slice.
    static bucket_slice share(bucket_slice whole, int replica) {
        return slice_of(bucket{whole.begin, whole.end}, replica, replicas);
    }
    static bucket_slice share(bucket const& b, int replica) { return slice_of(b, replica, replicas); }

    /// The mean of the shards' gradients, and its use, in one pass. Not for clips that need the norm of all of it.
    void in_one_pass(int replica, int number, shard_gradients const& gradients, T divisor, std::uint64_t step, accumulation how) {
        static_assert(!clip::needs_norm);
        bucket const& b = p.buckets[number];
        if (how.waits) return accumulate(share(b, replica), sum_of(gradients), how);
        for_ranges(share(b, replica), [&, this, rules = rules_for(step)](bucket_slice part, int group) {
            auto const& rule = rules[static_cast<std::size_t>(group)];
            if (!how.continues)
                return reduce_and_update<shards>(gradients, parameters_, state_addresses(number), part, divisor, rule);
            update(part, number, rule, [&, own = accumulated(), by = mean_divisor(divisor)](std::int64_t i) {
                return (own[i] + sum_over_shards<shards>([&](int shard) { return gradients[shard][i]; })) / by;
            });
        });
    }

    /// The mean gradient alone, of a bucket.
    void reduce(int replica, int number, shard_gradients const& gradients, T divisor, T* mean, accumulation how) {
        reduce(share(p.buckets[number], replica), sum_of(gradients), divisor, mean, how);
    }
    /// The same from sum(element).
    template <class Sum>
    void reduce(bucket_slice part, Sum const& sum, T divisor, T* mean, accumulation how) {
        if (how.waits) return accumulate(part, sum, how);
        T const by = mean_divisor(divisor);
        if (how.continues) for_each_element(part, [&, own = accumulated()](std::int64_t i) { mean[i] = (own[i] + sum(i)) / by; });
        else for_each_element(part, [&](std::int64_t i) { mean[i] = sum(i) / by; });
    }

    /// The partial sums of its norm.
    void measure(int replica, T const* mean) {
        std::int64_t const blocks = norm_blocks(elements);
        for (std::int64_t b = blocks * replica / replicas; b < blocks * (replica + 1) / replicas; ++b) {
            std::int64_t const first = b * norm_block, count = std::min(norm_block, elements - first);
            partial_squares_[b] = sum_of_squares(std::span<T const>(mean + first, static_cast<std::size_t>(count)));
        }
    }

    void from_mean(int replica, int number, T const* mean, std::uint64_t step) {
        bucket const& b = p.buckets[number];
        for_ranges(share(kept_slice(b), replica), [&, this, rules = rules_for(step)](bucket_slice part, int group) {
            update(part, number, rules[static_cast<std::size_t>(group)], [mean](std::int64_t i) { return mean[i]; });
        });
    }

    /// Of the last gradient that was measured.
    double norm() const {
        double sum = 0.0;
        for (double const partial : partial_squares_) sum += partial;
        return std::sqrt(sum);
    }

    Optimizer& optimizer() { return optimizer_; }
    /// A value kept for every parameter, those of own slices one after the other: without sharding, `elements` of them in
    /// the layout of all parameters.
    T* state(int index) const { return states_[index].template as<T>().data(); }
    std::int64_t kept_elements() const { return kept_elements_; }
    /// The part of a bucket for which this process keeps the optimizer's values.
    bucket_slice kept_slice(bucket const& b) const {
        if constexpr (p.settings.sharded_optimizer) return slice_of(b, process_, processes_);
        else return {b.begin, b.end};
    }

    /// The values that this process keeps, in their places among all; gather(bucket, values) brings the others'.
    template <class Gather>
    void read_kept(int index, T* all, Gather const& gather) const {
        for (std::size_t b = 0; b < p.buckets.size(); ++b) {
            bucket_slice const own = kept_slice(p.buckets[b]);
            std::copy_n(state(index) + state_shift_[b] + own.begin, own.end - own.begin, all + own.begin);
            gather(p.buckets[b], all);
        }
    }
    /// Takes from the values of all parameters those that this process keeps.
    void write_kept(int index, std::span<T const> all) {
        for (std::size_t b = 0; b < p.buckets.size(); ++b) {
            bucket_slice const own = kept_slice(p.buckets[b]);
            std::copy_n(all.data() + own.begin, own.end - own.begin, state(index) + state_shift_[b] + own.begin);
        }
    }

private:
    static auto sum_of(shard_gradients const& gradients) {
        return [&gradients](std::int64_t i) { return sum_over_shards<shards>([&](int shard) { return gradients[shard][i]; }); };
    }
    T* accumulated() const { return accumulated_.template as<T>().data(); }
    template <class Sum>
    void accumulate(bucket_slice part, Sum const& sum, accumulation how) {
        T* const own = accumulated();
        if (how.continues) for_each_element(part, [&](std::int64_t i) { own[i] += sum(i); });
        else for_each_element(part, [&](std::int64_t i) { own[i] = sum(i); });
    }
    template <class Rule, class Gradient>
    void update(bucket_slice part, int number, Rule const& rule, Gradient const& gradient) {
        [&]<std::size_t... State>(std::index_sequence<State...>) {
            auto const own = state_addresses(number);
            for_each_element(part, [&, parameters = parameters_](std::int64_t i) {
                parameters[i] = rule(parameters[i], gradient(i), own[State][i]...);
            });
        }(std::make_index_sequence<states>{});
    }

    /// Parameters start where slices may, so what a slice has of a group is whole blocks too.
    template <class Work>
    static void for_ranges(bucket_slice own, Work const& work) {
        constexpr auto ranges = static_group_ranges<Optimizer, Plan>.all();
        auto range = std::ranges::upper_bound(ranges, own.begin, {}, &group_range::end);
        for (; range != ranges.end() && own.end > range->begin; ++range)
            work(bucket_slice{std::max(own.begin, range->begin), std::min(own.end, range->end)}, range->group);
    }

    auto rules_for(std::uint64_t step) const {
        auto const bound = clip_.template function_for<T>(norm());
        return [&]<std::size_t... Group>(std::index_sequence<Group...>) {
            return std::array{
                clipped_rule{bound, rule_of_group<T>(optimizer_, step, static_cast<int>(Group))}...};
        }(std::make_index_sequence<static_cast<std::size_t>(group_count<Optimizer>())>{});
    }

    /// A bucket's values, addressed as its parameters are.
    std::array<T*, states> state_addresses(int bucket_number) const {
        std::array<T*, states> result;
        for (std::size_t i = 0; i < states; ++i)
            result[i] = state(static_cast<int>(i)) + state_shift_[static_cast<std::size_t>(bucket_number)];
        return result;
    }

    T* parameters_;
    Optimizer optimizer_;
    clip clip_;
    int process_, processes_;
    std::array<host_memory, states> states_;
    std::vector<std::int64_t> state_shift_;
    std::int64_t kept_elements_ = 0;
    host_memory accumulated_;
    std::vector<double> partial_squares_;
};

} // namespace lockstep::detail
