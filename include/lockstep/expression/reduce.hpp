// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/factor.hpp>

namespace lockstep {

/// The name of a broken rule: a reduction over an axis that a shape has not got. Axes count from 0, or from the
/// last one, which is -1.
template <int Axis, class Shape>
struct axis_does_not_exist {};

namespace detail {

template <class Shape, int Axis>
inline constexpr bool has_axis = Axis >= -Shape::rank && Axis < Shape::rank;

/// The rule: Shape with extent 1 along the axes, or everywhere where there are none.
template <class Shape, int... Axes>
struct reduced_axes {
    static constexpr extents value = [] {
        extents result = extents_of<Shape>();
        for (int axis = 0; axis < Shape::rank; ++axis)
            if (sizeof...(Axes) == 0 || (((Axes < 0 ? Axes + Shape::rank : Axes) == axis) || ...)) result.extent[axis] = 1;
        return result;
    }();
};
template <class Shape, int... Axes>
using reduced_shape = lockstep::shape_from<reduced_axes<Shape, Axes...>>;

/// X's value as often as Like's shape and samples ask for.
template <class X, class Like>
using spread = apply<function::broadcast_to, X, column_index<typename Like::result_shape, Like::per_sample>>;

} // namespace detail

namespace primitive {

/// The sum over everything that was broadcast: the axes in which Shape has extent 1 or none, and all samples
/// where the result is not per sample. It undoes a broadcast, so it is the gradient of one.
template <any_shape Shape, bool PerSample>
struct sum_to {
    static constexpr char const* name = PerSample ? "sum" : "sum over samples";
    static constexpr bool reads_chains = true;
    template <class>
    using result_shape = Shape;
    template <class>
    static constexpr bool per_sample = PerSample;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);

    // The upstream value reaches every summand.
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return detail::spread<decltype(upstream), decltype(x)>{};
    }
};

/// The maximum over the same; NaN where one is among the values.
template <any_shape Shape, bool PerSample>
struct max_to {
    static constexpr char const* name = PerSample ? "max" : "max over samples";
    static constexpr bool reads_chains = true;
    template <class>
    using result_shape = Shape;
    template <class>
    static constexpr bool per_sample = PerSample;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);

    // Maxima that are equal share the upstream value, as in PyTorch's amax.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto x) {
        auto const is_maximum = equal(x, y);
        auto const count = compute<sum_to<Shape, PerSample>, std::remove_const_t<decltype(is_maximum)>>{};
        return is_maximum * (upstream / count);
    }
};

} // namespace primitive

namespace detail {

/// The sum as it is written.
template <any_shape Shape, bool PerSample, expression X>
constexpr auto whole_sum_to(X x) {
    if constexpr (X::result_shape::size <= Shape::size && (PerSample || !X::per_sample)) return x;
    else return compute<primitive::sum_to<Shape, PerSample>, X>{};
}

} // namespace detail

/// Sums x down to a shape that broadcasts to x's; x itself where nothing is left to sum. Factors that are the same
/// for all summands leave the sum.
template <any_shape Shape, bool PerSample, expression X>
constexpr auto sum_to(X x) {
    using whole = decltype(detail::whole_sum_to<Shape, PerSample>(x));
    if constexpr (std::is_same_v<whole, X>) return x;
    else {
        using factors = detail::factors_of<X, Shape, PerSample>;
        if constexpr (!factors::splits) return whole{};
        else {
            using varying = typename factors::varying;
            return sum_to<Shape, PerSample>(varying{}) * typename factors::constant{};
        }
    }
}

/// The sum over all samples and axes.
template <expression X>
constexpr auto sum_over_batch(X) {
    return compute<primitive::sum_to<shape<>, false>, X>{};
}

/// The sum over some axes of each sample, which stay with extent 1; over all of them, a number, without any.
///
///   sum<0>(x): [C, H, W] -> [1, H, W];  sum<-1>(x): [T, E] -> [T, 1];  sum(x): any -> []
template <int... Axes, expression X>
    requires(detail::has_axis<typename X::result_shape, Axes> && ...)
constexpr auto sum(X x) {
    if constexpr (sizeof...(Axes) == 0) return sum_to<shape<>, X::per_sample>(x);
    else return sum_to<detail::reduced_shape<typename X::result_shape, Axes...>, X::per_sample>(x);
}

/// The mean over the same axes.
template <int... Axes, expression X>
    requires(detail::has_axis<typename X::result_shape, Axes> && ...)
constexpr auto mean(X x) {
    using from = typename X::result_shape;
    using to = detail::reduced_shape<from, Axes...>;
    return sum<Axes...>(x) * literal<static_cast<double>(to::size) / static_cast<double>(from::size)>{};
}

/// The maximum over the same axes.
template <int... Axes, expression X>
    requires(detail::has_axis<typename X::result_shape, Axes> && ...)
constexpr auto max(X x) {
    using to = std::conditional_t<sizeof...(Axes) == 0, shape<>, detail::reduced_shape<typename X::result_shape, Axes...>>;
    if constexpr (X::result_shape::size == 1 && std::is_same_v<to, typename X::result_shape>) return x;
    else return compute<primitive::max_to<to, X::per_sample>, X>{};
}

template <int Axis, int... Axes, expression X, class Rule = axis_does_not_exist<Axis, typename X::result_shape>>
    requires(!detail::has_axis<typename X::result_shape, Axis>)
Rule sum(X) = delete;
template <int Axis, int... Axes, expression X, class Rule = axis_does_not_exist<Axis, typename X::result_shape>>
    requires(!detail::has_axis<typename X::result_shape, Axis>)
Rule mean(X) = delete;
template <int Axis, int... Axes, expression X, class Rule = axis_does_not_exist<Axis, typename X::result_shape>>
    requires(!detail::has_axis<typename X::result_shape, Axis>)
Rule max(X) = delete;

} // namespace lockstep
