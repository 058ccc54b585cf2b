// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/tensor/element.hpp>

namespace lockstep {

/// A policy of parallel: a batch is always cut into this many shards, whatever the number of replicas, so that
/// loss and parameters have the same bits on 1, 2, 4, ... Shards replicas.
template <int Shards>
struct reproducible {
    static_assert(Shards >= 1, "a batch is cut into at least one shard");
};

/// A policy of parallel: the element type of parameters, activations and gradients. float without it.
template <element_type T>
struct element {
    using type = T;
};

namespace detail {

template <int Default, class... Policies>
struct shards_from {
    static constexpr int value = Default;
};
template <int Default, int Shards, class... Rest>
struct shards_from<Default, reproducible<Shards>, Rest...> {
    static constexpr int value = Shards;
};
template <int Default, class First, class... Rest>
struct shards_from<Default, First, Rest...> : shards_from<Default, Rest...> {};

template <class... Policies>
struct element_from {
    using type = float;
};
template <class T, class... Rest>
struct element_from<element<T>, Rest...> {
    using type = T;
};
template <class First, class... Rest>
struct element_from<First, Rest...> : element_from<Rest...> {};

} // namespace detail

} // namespace lockstep
