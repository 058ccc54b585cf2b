// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/bucket.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lockstep {

namespace detail {

/// The sum of values first to first + count - 1 as a balanced binary tree over their indices: its shape, and so
/// the bits of the result, depend on the number of values alone.
template <int First, int Count, class Value>
[[gnu::always_inline]] constexpr auto tree_sum(Value const& value) {
    if constexpr (Count == 1) return value(First);
    else {
        constexpr int left = Count / 2;
        return tree_sum<First, left>(value) + tree_sum<First + left, Count - left>(value);
    }
}

} // namespace detail

/// The sum over shards in the fixed tree.
template <int Shards, class Value>
[[gnu::always_inline]] constexpr auto sum_over_shards(Value const& value) {
    return detail::tree_sum<0, Shards>(value);
}

namespace detail {

/// Calls work(element) for every element of a part, in loops that are vectorized: parts are whole multiples of
/// slice_alignment, so the inner loop has no remainder, and no element depends on another.
template <class Work>
[[gnu::always_inline]] inline void for_each_element(bucket_slice part, Work const& work) {
    for (std::int64_t first = part.begin; first < part.end; first += slice_alignment) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (std::int64_t i = first; i < first + slice_alignment; ++i) work(i);
    }
}

/// Whether a tree over Shards has a node of so many shards.
constexpr bool is_node_size(int shards, int count) {
    return shards == count || (shards > 1 && (is_node_size(shards / 2, count) || is_node_size(shards - shards / 2, count)));
}
/// Calls use.operator()<count>() for a number that is known at run time, of shards that are a node of a tree.
template <int Shards, int Count = Shards, class Use>
void for_node_size(int count, Use const& use) {
    if constexpr (Count > 0) {
        if constexpr (is_node_size(Shards, Count))
            if (count == Count) return use.template operator()<Count>();
        for_node_size<Shards, Count - 1>(count, use);
    }
}

template <int Shards, class T, std::size_t States, class Rule, std::size_t... State>
void reduce_and_update(std::array<T const*, Shards> const& gradients, T* parameters,
                       std::array<T*, States> const& states, bucket_slice part, T divisor, Rule const& rule,
                       std::index_sequence<State...>) {
    for_each_element(part, [&](std::int64_t i) {
        T const sum = sum_over_shards<Shards>([&](int shard) { return gradients[shard][i]; });
        parameters[i] = rule(parameters[i], sum / divisor, states[State][i]...);
    });
}

} // namespace detail

/// The divisor of a mean: where nothing counted it is 0 and so are the sums, which are the mean then.
template <class T>
constexpr T mean_divisor(T counted) {
    return counted == T{} ? T{1} : counted;
}

/// Adds the shards' gradients of a slice in the fixed tree, divides by `divisor`, the number of samples, and
/// updates parameters and optimizer state, in one pass. `rule(parameter, gradient, state...)` is the optimizer's
/// formula for one element. Only the slice's owner writes there.
template <int Shards, class T, std::size_t States, class Rule>
void reduce_and_update(std::array<T const*, Shards> const& gradients, T* parameters,
                       std::array<T*, States> const& states, bucket_slice part, T divisor, Rule const& rule) {
    detail::reduce_and_update<Shards>(gradients, parameters, states, part, mean_divisor(divisor), rule,
                                      std::make_index_sequence<States>{});
}

} // namespace lockstep
