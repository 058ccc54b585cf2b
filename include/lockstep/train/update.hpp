// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/optimizer.hpp>

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
    freeze<group_range, group_ranges<Optimizer>(Plan::value).size()>(group_ranges<Optimizer>(Plan::value));

/// What follows a backward pass: the mean gradient, its norm where it is clipped by that, and the optimizer's
/// formula. Every replica calls each part for what it owns; between measure and what precedes and follows it, all of
/// them meet. Plan is the static_plan of a training step.
template <class T, class Optimizer, class Clip, class Plan>
class parameter_update {
public:
    static constexpr std::size_t states = Optimizer::states;
    static constexpr int shards = Plan::value.settings.shards;
    /// What is not trained lies behind them.
    static constexpr std::int64_t elements = Plan::value.trained_elements;
    using shard_gradients = std::array<T const*, shards>;

    parameter_update(T* parameters, Optimizer const& optimizer, Clip const& clip)
        : parameters_(parameters), optimizer_(optimizer), clip_(clip) {
        for (host_memory& state : states_) {
            state = host_memory(static_cast<std::size_t>(elements) * sizeof(T));
            std::ranges::fill(state.template as<T>(), T{});
        }
        if (Clip::needs_norm) partial_squares_.resize(norm_blocks(elements));
    }

    /// The mean of the shards' gradients, and its use, in one pass. Not for clips that need the norm of all of it.
    void in_one_pass(int replica, shard_gradients const& gradients, T divisor, std::uint64_t step) {
        static_assert(!Clip::needs_norm);
        for_own_ranges(replica, [this, &gradients, divisor, rules = rules_for(step)](bucket_slice part, int group) {
            reduce_and_update<shards>(gradients, parameters_, state_addresses(), part, divisor, rules[group]);
        });
    }

    /// The mean gradient alone.
    void reduce(int replica, shard_gradients const& gradients, T divisor, T* mean) {
        auto const keep = [](T, T gradient) { return gradient; };
        for (bucket const& b : Plan::value.buckets)
            reduce_and_update<shards>(gradients, mean, std::array<T*, 0>{}, own_slice(b, replica), divisor, keep);
    }
    /// The partial sums of its norm.
    void measure(int replica, T const* mean) {
        std::int64_t const blocks = norm_blocks(elements);
        for (std::int64_t b = blocks * replica / replicas; b < blocks * (replica + 1) / replicas; ++b) {
            std::int64_t const first = b * norm_block, count = std::min(norm_block, elements - first);
            partial_squares_[b] = sum_of_squares(std::span<T const>(mean + first, static_cast<std::size_t>(count)));
        }
    }
    void from_mean(int replica, T const* mean, std::uint64_t step) {
        for_own_ranges(replica, [this, mean, rules = rules_for(step)](bucket_slice part, int group) {
            reduce_and_update<1>({mean}, parameters_, state_addresses(), part, T{1}, rules[group]);
        });
    }

    /// Of the last gradient that was measured.
    double norm() const {
        double sum = 0.0;
        for (double const partial : partial_squares_) sum += partial;
        return std::sqrt(sum);
    }

    Optimizer& optimizer() { return optimizer_; }
    /// A value kept for every parameter, `elements` of them in the layout of all parameters.
    T* state(int index) const { return states_[index].template as<T>().data(); }

private:
    static constexpr int replicas = Plan::value.settings.replicas;

    static bucket_slice own_slice(bucket const& b, int replica) { return slice_of(b, replica, replicas); }

    /// Parameters start where slices may, so what a slice has of a group is whole blocks too.
    template <class Work>
    static void for_own_ranges(int replica, Work const& work) {
        constexpr auto const& ranges = static_group_ranges<Optimizer, Plan>;
        for (bucket const& b : Plan::value.buckets) {
            bucket_slice const own = own_slice(b, replica);
            auto range = std::ranges::upper_bound(ranges, own.begin, {}, &group_range::end);
            for (; range != ranges.end() && own.end > range->begin; ++range)
                work(bucket_slice{std::max(own.begin, range->begin), std::min(own.end, range->end)}, range->group);
        }
    }

    auto rules_for(std::uint64_t step) const {
        auto const clip = clip_.template function_for<T>(norm());
        return [&]<std::size_t... Group>(std::index_sequence<Group...>) {
            return std::array{
                clipped_rule{clip, rule_of_group<T>(optimizer_, step, static_cast<int>(Group))}...};
        }(std::make_index_sequence<static_cast<std::size_t>(group_count<Optimizer>())>{});
    }

    std::array<T*, states> state_addresses() const {
        std::array<T*, states> result;
        for (std::size_t i = 0; i < states; ++i) result[i] = state(static_cast<int>(i));
        return result;
    }

    T* parameters_;
    Optimizer optimizer_;
    Clip clip_;
    std::array<host_memory, states> states_;
    std::vector<double> partial_squares_;
};

} // namespace lockstep::detail
