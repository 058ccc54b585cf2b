// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/movement.hpp>

namespace lockstep {

/// Whether a position sees all others, or only itself and those before it.
enum class attention_mask { none, causal };

namespace primitive {

template <int Heads, attention_mask Mask>
struct attention_gradient {
    static constexpr char const* name = "attention gradient";
    template <class QKV, class>
    using result_shape = typename QKV::result_shape;
    template <class QKV, class>
    static constexpr bool per_sample = QKV::per_sample;
    /// Five products where the forward pass has two.
    template <class QKV, class>
    static constexpr double flops = 10.0 / 3.0 * static_cast<double>(QKV::result_shape::size) * QKV::result_shape::extents[0];
};

/// Scaled dot-product attention (Vaswani et al., "Attention is all you need", 2017) of one sequence:
/// softmax(Q K^T / sqrt(d)) V for each of Heads heads, whose d columns lie next to each other. Queries, keys and
/// values are one value, [positions, 3 E] -> [positions, E]: so a product gives all of them, and one pass, which
/// computes the weights again instead of storing them, all of their gradients.
template <int Heads, attention_mask Mask>
struct attention {
    static constexpr char const* name = "attention";
    template <class QKV>
    using result_shape = shape<QKV::result_shape::extents[0], QKV::result_shape::extents[1] / 3>;
    template <class QKV>
    static constexpr bool per_sample = QKV::per_sample;
    template <class QKV>
    static constexpr double flops = 4.0 / 3.0 * static_cast<double>(QKV::result_shape::size) * QKV::result_shape::extents[0];

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto qkv) {
        return compute<attention_gradient<Heads, Mask>, decltype(qkv), decltype(upstream)>{};
    }
};

} // namespace primitive

/// The name of a broken rule: queries, keys and values are [positions, E], and the heads divide E.
template <int Heads, class Query, class Key, class Value>
struct attention_takes_queries_keys_and_values_of_one_shape {};

namespace detail {

template <int Heads, class Q, class K, class V>
concept attends = expression<Q> && expression<K> && expression<V> && Q::result_shape::rank == 2 &&
                  std::is_same_v<typename Q::result_shape, typename K::result_shape> &&
                  std::is_same_v<typename Q::result_shape, typename V::result_shape> &&
                  Q::result_shape::extents[1] % Heads == 0;

} // namespace detail

/// Attention of queries, keys and values in one value: [positions, 3 E] -> [positions, E].
template <int Heads, attention_mask Mask = attention_mask::none, expression QKV>
constexpr auto attention(QKV) {
    static_assert(QKV::result_shape::rank == 2 && QKV::result_shape::extents[1] % (3 * Heads) == 0,
                  "attention takes [positions, 3 E], and the heads divide E");
    return compute<primitive::attention<Heads, Mask>, QKV>{};
}

/// Attention of queries, keys and values [positions, E] of one sequence.
template <int Heads = 1, attention_mask Mask = attention_mask::none, class Q, class K, class V>
    requires detail::attends<Heads, Q, K, V>
constexpr auto scaled_dot_product_attention(Q q, K k, V v) {
    return attention<Heads, Mask>(concat<1>(q, k, v));
}
template <int Heads = 1, attention_mask Mask = attention_mask::none, expression Q, expression K, expression V,
          class Rule = attention_takes_queries_keys_and_values_of_one_shape<Heads, typename Q::result_shape,
                                                                            typename K::result_shape, typename V::result_shape>>
    requires(!detail::attends<Heads, Q, K, V>)
Rule scaled_dot_product_attention(Q, K, V) = delete;

} // namespace lockstep
