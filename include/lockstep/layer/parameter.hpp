// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/broadcast.hpp>
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

/// How the shards of a batch, which observe different samples, change a buffer that they share. All of them leave
/// the same bits for any number of replicas; shards without samples observe nothing.
namespace merge {

/// b + Momentum (o - b), with o the mean of the shards' observations, each as often as it has samples.
template <double Momentum>
struct average {
    static_assert(Momentum >= 0.0 && Momentum <= 1.0, "a momentum lies in [0, 1]");
};
/// b plus the observations of all shards: counters.
struct sum {};
/// The largest of b and all observations.
struct maximum {};

} // namespace merge

/// A value that a layer keeps but that is not trained: running statistics. It is declared, initialized, read and
/// saved like a parameter; in training a layer's forward expression may come with observations of it, see observe.
template <class Tag, any_shape Shape, class Initializer, class Merge, class SavedAxes = saved_axes<>>
struct state {};

/// What a shard observes for the state with this tag.
template <class Tag, expression E>
struct observation {};

/// A forward expression that comes with observations.
template <expression E, class... Observations>
struct observed {};

/// `return observed_with(y, observe(running_mean{}, mean), ...)`: what a layer returns in training when it keeps a
/// buffer up to date.
template <class Tag, expression E>
constexpr observation<Tag, E> observe(Tag, E) {
    return {};
}
template <expression E, class... Tag, class... Value>
constexpr observed<E, observation<Tag, Value>...> observed_with(E, observation<Tag, Value>...) {
    return {};
}

/// The parameters and buffers of a layer, in the order in which they are saved.
template <class... Parameters>
struct parameters {};

/// The names that most layers give their parameters.
struct weight {
    static constexpr char const* name = "weight";
};
struct bias {
    static constexpr char const* name = "bias";
};
/// The factor of a normalization, which PyTorch calls weight too.
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
template <class Tag, class Shape, class Initializer, class Merge, class Axes, class... Rest>
struct shape_of_parameter<Tag, state<Tag, Shape, Initializer, Merge, Axes>, Rest...> {
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

namespace detail {

/// A value for each channel, the first axis, that broadcasts to a shape.
template <class In>
struct channels_rule {
    static constexpr extents value = [] {
        extents result = extents_of<In>();
        for (int axis = 1; axis < In::rank; ++axis) result.extent[axis] = 1;
        return result;
    }();
};
template <class In>
using channels_of = lockstep::shape_from<channels_rule<In>>;

} // namespace detail

/// A leaf whose memory is read as that of another shape of the same size.
template <any_shape Shape, class Tag, any_shape From, bool PerSample>
    requires(Shape::size == From::size)
constexpr auto view_as(leaf<Tag, From, PerSample>) {
    return leaf<Tag, Shape, PerSample>{};
}

} // namespace lockstep
