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

template <int Shards, class T, std::size_t States, class Rule, std::size_t... State>
void reduce_and_update(std::array<T const*, Shards> const& gradients, T* parameters,
                       std::array<T*, States> const& states, bucket_slice part, T divisor, Rule const& rule,
                       std::index_sequence<State...>) {
    // Slices are whole multiples of slice_alignment: the inner loop has no remainder and is always vectorized.
    for (std::int64_t first = part.begin; first < part.end; first += slice_alignment) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (std::int64_t i = first; i < first + slice_alignment; ++i) {
            T const sum = sum_over_shards<Shards>([&](int shard) { return gradients[shard][i]; });
            parameters[i] = rule(parameters[i], sum / divisor, states[State][i]...);
        }
    }
}

} // namespace detail

/// Adds the shards' gradients of a slice in the fixed tree, divides by `divisor`, the number of samples, and
/// updates parameters and optimizer state, in one pass. `rule(parameter, gradient, state...)` is the optimizer's
/// formula for one element. Only the slice's owner writes there. Where nothing counted, the divisor is 0 and so
/// are the sums: they are the mean.
template <int Shards, class T, std::size_t States, class Rule>
void reduce_and_update(std::array<T const*, Shards> const& gradients, T* parameters,
                       std::array<T*, States> const& states, bucket_slice part, T divisor, Rule const& rule) {
    detail::reduce_and_update<Shards>(gradients, parameters, states, part, divisor == T{} ? T{1} : divisor, rule,
                                      std::make_index_sequence<States>{});
}

} // namespace lockstep
