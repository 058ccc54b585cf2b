// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>

#include <type_traits>

/// The distributive law: sum(a b) = sum(a) b where b is the same for all summands. Derived gradients are full of
/// such products (a bias's, a scale's and a mean's gradient are sums of one value times different constants), and
/// without the constants they are one sum, computed once.
namespace lockstep::detail {

/// Whether an expression has one value for all summands of a sum down to Shape.
template <class E, class Shape, bool PerSample>
inline constexpr bool is_constant_in_sum = [] {
    if constexpr (E::per_sample && !PerSample) return false;
    else if constexpr (!broadcastable<typename E::result_shape, Shape>) return false;
    else return std::is_same_v<broadcast_shape<typename E::result_shape, Shape>, Shape>;
}();

struct no_factor {};

template <class A, class B>
struct product_of {
    using type = apply<function::multiply, A, B>;
};
template <class A>
struct product_of<A, no_factor> {
    using type = A;
};
template <class B>
struct product_of<no_factor, B> {
    using type = B;
};
template <>
struct product_of<no_factor, no_factor> {
    using type = no_factor;
};
template <class A, class B>
using product = typename product_of<A, B>::type;

/// A product's factors: those that vary among the summands, and those that don't.
template <class E, class Shape, bool PerSample, bool Constant = is_constant_in_sum<E, Shape, PerSample>>
struct split_factors {
    using varying = E;
    using constant = no_factor;
};
template <class E, class Shape, bool PerSample>
struct split_factors<E, Shape, PerSample, true> {
    using varying = no_factor;
    using constant = E;
};
template <class A, class B, class Shape, bool PerSample>
struct split_factors<apply<function::multiply, A, B>, Shape, PerSample, false> {
    using left = split_factors<A, Shape, PerSample>;
    using right = split_factors<B, Shape, PerSample>;
    using varying = product<typename left::varying, typename right::varying>;
    using constant = product<typename left::constant, typename right::constant>;
};
template <class A, class Shape, bool PerSample>
struct split_factors<apply<function::negate, A>, Shape, PerSample, false> {
    using inner = split_factors<A, Shape, PerSample>;
    using varying = typename inner::varying;
    using constant = product<typename inner::constant, literal<-1.0>>;
};

template <class X, class Shape, bool PerSample>
struct factors_of : split_factors<X, Shape, PerSample> {
    using typename split_factors<X, Shape, PerSample>::varying;
    using typename split_factors<X, Shape, PerSample>::constant;
    /// What is left must still have every summand: a factor may be what gave the product its shape.
    static constexpr bool splits = [] {
        if constexpr (std::is_same_v<constant, no_factor> || std::is_same_v<varying, no_factor>) return false;
        else
            return std::is_same_v<typename varying::result_shape, typename X::result_shape> &&
                   varying::per_sample == X::per_sample;
    }();
};

} // namespace lockstep::detail
