// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>

namespace lockstep {

/// The elementwise functions: each its value and, beside it, its gradient. Their rules are written with the
/// operators below.
namespace function {

struct add;
struct subtract;
struct multiply;
struct divide;
struct negate;
struct square;
struct sqrt;
struct rsqrt;
struct pow;

struct exp;
struct expm1;
struct log;
struct log1p;
struct tanh;
struct sigmoid;
struct softplus;
struct erf;
struct sin;
struct cos;

struct less;
struct less_equal;
struct equal;
struct not_equal;
struct where;
struct minimum;
struct maximum;
struct clamp;
struct relu;
struct abs;
struct sign;
struct stop_gradient;
struct broadcast_to;

} // namespace function

/// The name of a broken rule, returned by a deleted function, so that the compiler prints the shapes. There it is
/// a template parameter, as not every compiler prints the result's type. It is an expression, so that what is
/// computed from it causes no further errors.
template <any_shape First, any_shape... Others>
struct shapes_do_not_broadcast : expression_base {
    using result_shape = First;
    static constexpr bool per_sample = true;
};

namespace detail {

template <class... Shapes>
inline constexpr bool all_broadcastable = true;
template <class First, class... Others>
inline constexpr bool all_broadcastable<First, Others...> =
    (broadcastable<First, Others> && ...) && all_broadcastable<Others...>;

/// A function of several operands. What doesn't fit is caught here, where all shapes can be named.
template <class Function, expression... Operands>
    requires all_broadcastable<typename Operands::result_shape...>
constexpr auto combine(Operands...) {
    return apply<Function, Operands...>{};
}
template <class Function, expression... Operands,
          class Rule = shapes_do_not_broadcast<typename Operands::result_shape...>>
    requires(!all_broadcastable<typename Operands::result_shape...>)
Rule combine(Operands...) = delete;

} // namespace detail

// ---- arithmetic ----

template <expression A, expression B>
constexpr auto operator+(A a, B b) {
    return detail::combine<function::add>(a, b);
}
template <expression A, expression B>
constexpr auto operator-(A a, B b) {
    return detail::combine<function::subtract>(a, b);
}
template <expression A, expression B>
constexpr auto operator*(A a, B b) {
    return detail::combine<function::multiply>(a, b);
}
template <expression A, expression B>
constexpr auto operator/(A a, B b) {
    return detail::combine<function::divide>(a, b);
}
template <expression X>
constexpr auto operator-(X) {
    return apply<function::negate, X>{};
}

template <expression X>
constexpr auto square(X) {
    return apply<function::square, X>{};
}
template <expression X>
constexpr auto sqrt(X) {
    return apply<function::sqrt, X>{};
}
/// 1 / sqrt(x).
template <expression X>
constexpr auto rsqrt(X) {
    return apply<function::rsqrt, X>{};
}
/// a^b. A loop over it does not vectorize; square, sqrt and products do.
template <expression A, expression B>
constexpr auto pow(A a, B b) {
    return detail::combine<function::pow>(a, b);
}

// ---- transcendental functions ----

// Of tanh, sigmoid, softplus and relu the layers of these names serve as functions: tanh{}(x).

template <expression X>
constexpr auto exp(X) {
    return apply<function::exp, X>{};
}
/// e^x - 1, precise near 0.
template <expression X>
constexpr auto expm1(X) {
    return apply<function::expm1, X>{};
}
template <expression X>
constexpr auto log(X) {
    return apply<function::log, X>{};
}
/// log(1 + x), precise near 0.
template <expression X>
constexpr auto log1p(X) {
    return apply<function::log1p, X>{};
}
template <expression X>
constexpr auto erf(X) {
    return apply<function::erf, X>{};
}
/// A loop over sine or cosine does not vectorize.
template <expression X>
constexpr auto sin(X) {
    return apply<function::sin, X>{};
}
template <expression X>
constexpr auto cos(X) {
    return apply<function::cos, X>{};
}

// ---- comparisons: 1 where they hold, else 0; no gradient passes them ----

template <expression A, expression B>
constexpr auto less(A a, B b) {
    return detail::combine<function::less>(a, b);
}
template <expression A, expression B>
constexpr auto less_equal(A a, B b) {
    return detail::combine<function::less_equal>(a, b);
}
template <expression A, expression B>
constexpr auto greater(A a, B b) {
    return less(b, a);
}
template <expression A, expression B>
constexpr auto greater_equal(A a, B b) {
    return less_equal(b, a);
}
template <expression A, expression B>
constexpr auto equal(A a, B b) {
    return detail::combine<function::equal>(a, b);
}
template <expression A, expression B>
constexpr auto not_equal(A a, B b) {
    return detail::combine<function::not_equal>(a, b);
}

// ---- selection ----

/// `chosen` where the condition is not zero, else `other`. Both are computed everywhere, and the one that is not
/// chosen has the gradient 0 times its slope, NaN where that is infinite: bound its operand there.
template <expression Condition, expression Chosen, expression Other>
constexpr auto where(Condition condition, Chosen chosen, Other other) {
    return detail::combine<function::where>(condition, chosen, other);
}
/// NaN where an operand is; where both are equal, each gets half of the gradient.
template <expression A, expression B>
constexpr auto minimum(A a, B b) {
    return detail::combine<function::minimum>(a, b);
}
template <expression A, expression B>
constexpr auto maximum(A a, B b) {
    return detail::combine<function::maximum>(a, b);
}
/// minimum(maximum(x, low), high). At a bound x gets the whole gradient, and the bound none.
template <expression X, expression Low, expression High>
constexpr auto clamp(X x, Low low, High high) {
    return detail::combine<function::clamp>(x, low, high);
}
/// Its slope at 0 is 0.
template <expression X>
constexpr auto abs(X) {
    return apply<function::abs, X>{};
}
/// 1, -1, or 0 for 0 and NaN.
template <expression X>
constexpr auto sign(X) {
    return apply<function::sign, X>{};
}
/// x, as a constant: no gradient passes it.
template <expression X>
constexpr auto stop_gradient(X) {
    return apply<function::stop_gradient, X>{};
}

} // namespace lockstep
