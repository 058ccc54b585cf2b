// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/shape.hpp>

#include <array>
#include <concepts>

namespace lockstep {

/// For each axis of the saved tensor, the axis of the parameter in memory.
template <int... Axes>
struct saved_axes {};

/// A trainable parameter of a layer. Tag has a `name`, the one it is saved under; Shape is its shape in memory
/// and in expressions; Initializer sets its first values; SavedAxes is how the axes are permuted in files and
/// for the initializer, which both see PyTorch's layout.
template <class Tag, any_shape Shape, class Initializer, class SavedAxes = saved_axes<>>
struct parameter {};

/// The parameters of a layer, in the order in which they are saved.
template <class... Parameters>
struct parameters {};

/// The names that most layers give their parameters.
struct weight {
    static constexpr char const* name = "weight";
};
struct bias {
    static constexpr char const* name = "bias";
};
/// What a normalization multiplies its results by. PyTorch saves it as a weight too.
struct scale {
    static constexpr char const* name = "weight";
};

/// Whether a layer computes for training or for use: dropout differs.
struct training_mode {};
struct evaluation_mode {};

/// Parameter Tag of the layer that is number Layer of its group.
template <int Layer, class Tag>
struct parameter_tag {};

namespace detail {

template <class Tag, class... Parameters>
struct shape_of_parameter;
template <class Tag, class Shape, class Initializer, class Axes, class... Rest>
struct shape_of_parameter<Tag, parameter<Tag, Shape, Initializer, Axes>, Rest...> {
    using type = Shape;
};
template <class Tag, class First, class... Rest>
struct shape_of_parameter<Tag, First, Rest...> : shape_of_parameter<Tag, Rest...> {};

template <class Layer, class In>
struct declared_parameters {
    using type = parameters<>;
};
template <class Layer, class In>
    requires requires { typename Layer::template parameters<In>; }
struct declared_parameters<Layer, In> {
    using type = typename Layer::template parameters<In>;
};

} // namespace detail

/// The parameters that a layer has for an input of shape In.
template <class Layer, any_shape In>
using parameters_of = typename detail::declared_parameters<Layer, In>::type;

/// What a layer's forward expression is given beside its input: its parameters by tag, the mode, and random
/// numbers. `Layer` numbers the layers of a group.
template <int Layer, class Mode, class Parameters>
struct layer_context;
template <int Layer, class Mode, class... Parameters>
struct layer_context<Layer, Mode, parameters<Parameters...>> {
    static constexpr bool training = std::same_as<Mode, training_mode>;

    /// The parameter with this tag, as a leaf.
    template <class Tag>
    constexpr auto operator[](Tag) const {
        using parameter_shape = typename detail::shape_of_parameter<Tag, Parameters...>::type;
        return leaf<parameter_tag<Layer, Tag>, parameter_shape, false>{};
    }

    /// Random numbers of an expression's shape, uniform in [0, 1), other ones in each step and sample.
    template <expression X>
    constexpr auto uniform(X) const {
        return uniform_random<Layer, typename X::result_shape>{};
    }
};

/// A leaf read as if it had another shape of the same size.
template <any_shape Shape, class Tag, any_shape From, bool PerSample>
    requires(Shape::size == From::size)
constexpr auto view_as(leaf<Tag, From, PerSample>) {
    return leaf<Tag, Shape, PerSample>{};
}

} // namespace lockstep
