// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <limits>

/// Functions of whole rows: over the columns of a value, which are the last axis, or of an image its channels, as
/// PyTorch's class axis is.
namespace lockstep {

namespace primitive {

/// The columns become one.
template <class X>
struct one_column {
    static constexpr extents value = [] {
        extents result = extents_of<typename X::result_shape>();
        if (result.rank > 0) result.extent[column_axis_of(result)] = 1;
        return result;
    }();
};
template <class X>
using reduced_row = shape_from<one_column<X>>;

/// log(sum(exp(x))) of each row, computed from x - max(x) so that it never overflows.
struct logsumexp {
    static constexpr char const* name = "logsumexp";
    template <class X>
    using result_shape = reduced_row<X>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = 4.0 * static_cast<double>(X::result_shape::size);

    // d logsumexp(x)/dx = softmax(x) = exp(x - logsumexp(x)): reads operand and result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto x) {
        return upstream * exp(x - y);
    }
};

/// exp(x) / sum(exp(x)) of each row, computed from x - max(x).
struct softmax {
    static constexpr char const* name = "softmax";
    template <class X>
    using result_shape = typename X::result_shape;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = 5.0 * static_cast<double>(X::result_shape::size);

    // The Jacobian is diag(y) - y y^T: reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto x) {
        return y * (upstream - lockstep::sum_to<reduced_row<decltype(x)>, decltype(x)::per_sample>(upstream * y));
    }
};

/// The element of each row that an index (int32, one a row) names; 0 where it names none.
struct pick {
    static constexpr char const* name = "pick";
    template <class X, class>
    using result_shape = reduced_row<X>;
    template <class X, class>
    static constexpr bool per_sample = X::per_sample;
    template <class, class>
    static constexpr double flops = 0.0;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto index) {
        static_assert(Operand == 0, "an index has no gradient");
        return upstream * equal(column_index<typename decltype(x)::result_shape, false>{}, index);
    }
};

/// The column of each row's first maximum, as a number.
struct argmax {
    static constexpr char const* name = "argmax";
    static constexpr bool constant = true;
    template <class X>
    using result_shape = reduced_row<X>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);
};

} // namespace primitive

/// log(sum(exp(x))) over the columns: [..., C] -> [..., 1], [C, H, W] -> [1, H, W].
template <expression X>
constexpr auto logsumexp(X) {
    return compute<primitive::logsumexp, X>{};
}

/// The same over any axes, which stay with extent 1: logsumexp<0, 1>(x). The maximum that is taken out is a constant
/// to the gradient; where it is infinite, nothing is.
template <int Axis, int... Axes, expression X>
    requires(detail::has_axis<typename X::result_shape, Axis> && (detail::has_axis<typename X::result_shape, Axes> && ...))
constexpr auto logsumexp(X x) {
    auto const largest = stop_gradient(max<Axis, Axes...>(x));
    auto const shift = where(less(abs(largest), number<std::numeric_limits<double>::infinity()>), largest, number<0.0>);
    return log(sum<Axis, Axes...>(exp(x - shift))) + shift;
}

/// x[..., C], index [...] or [..., 1] of int32 -> [..., 1].
template <expression X, expression Index>
constexpr auto pick(X, Index) {
    return compute<primitive::pick, X, Index>{};
}

template <expression X>
constexpr auto argmax(X) {
    return compute<primitive::argmax, X>{};
}

} // namespace lockstep
