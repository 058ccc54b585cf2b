// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/parameter.hpp>
#include <lockstep/layer/rule.hpp>

#include <concepts>

namespace lockstep {

/// A layer is an empty type with a forward expression, `operator()(x)` or `operator()(x, context)`; the
/// context holds its parameters, which it declares as `template <class In> using parameters`. Its output shape
/// and its gradient are derived from the expression. A layer that only changes how its input is read has an
/// `output_shape<In>` and no expression.
template <class Layer, class In>
concept reshaping_layer = requires { typename Layer::template output_shape<In>; };

namespace detail {

/// What a layer's operator gives: an expression, or one with observations.
template <class Layer, int Index, class Mode, expression X>
constexpr auto call_layer(X x) {
    using context = layer_context<Index, Mode, parameters_of<Layer, typename X::result_shape>>;
    if constexpr (requires { Layer{}(x, context{}); }) return Layer{}(x, context{});
    else return Layer{}(x);
}

template <expression E>
constexpr E value_of(E e) {
    return e;
}
template <expression E, class... Observations>
constexpr E value_of(observed<E, Observations...>) {
    return {};
}

} // namespace detail

/// The forward expression of layer number Index of a group, applied to an expression.
template <class Layer, int Index, class Mode, expression X>
constexpr auto forward(X x) {
    return detail::value_of(detail::call_layer<Layer, Index, Mode>(x));
}

namespace detail {

struct probe_tag {};

template <class Layer, class In>
struct shape_after {
    using type = typename decltype(forward<Layer, 0, training_mode>(leaf<probe_tag, In, true>{}))::result_shape;
};
template <class Layer, class In>
    requires reshaping_layer<Layer, In>
struct shape_after<Layer, In> {
    using type = typename Layer::template output_shape<In>;
};

} // namespace detail

/// The shape of a layer's result for an input of shape In.
template <class Layer, any_shape In>
using output_shape = typename detail::shape_after<Layer, In>::type;

} // namespace lockstep
