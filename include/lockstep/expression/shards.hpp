// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>

namespace lockstep {

namespace primitive {

/// The sum of a value over all shards of a batch, in the fixed tree; every shard gets it. Its own gradient: a value
/// that reaches all shards has the sum of all their gradients. Where there is one shard it is the value itself.
///
/// All replicas meet here, in the order in which a program has these operations, which is the same for all.
struct sum_over_shards {
    static constexpr char const* name = "sum over shards";
    static constexpr bool is_collective = true;
    template <class X>
    using result_shape = typename X::result_shape;
    template <class>
    static constexpr bool per_sample = false;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return compute<sum_over_shards, decltype(upstream)>{};
    }
};

} // namespace primitive

/// A value that a shard's samples share, summed over the shards of a batch: for statistics of the whole batch.
template <expression X>
constexpr auto sum_over_shards(X x) {
    static_assert(!X::per_sample, "a value for each sample is summed over them first, with sum_over_batch or sum_to");
    // What is computed on the way has no buffer that others could read.
    if constexpr (std::is_same_v<X, sample_count>) return compute<primitive::sum_over_shards, decltype(x + literal<0.0>{})>{};
    else return compute<primitive::sum_over_shards, X>{};
}

} // namespace lockstep
