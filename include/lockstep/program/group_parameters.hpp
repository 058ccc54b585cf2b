// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/gradient.hpp>
#include <lockstep/layer/parameter.hpp>
#include <lockstep/program/group.hpp>
#include <lockstep/program/local_program.hpp>
#include <lockstep/program/type_list.hpp>

namespace lockstep {

/// What the compiler prints when the loss doesn't depend on a parameter: its layer's expression doesn't read it.
template <class Layer, class Parameter>
struct parameter_is_not_reached_by_the_loss {
    template <class Gradient>
    struct check {
        static constexpr bool passed = !std::is_same_v<Gradient, no_gradient>;
        static_assert(passed, "the loss does not depend on a parameter: the type above names its layer and it");
    };
};

namespace detail {

template <int Layer, class Owner, class Tag, class Shape, class Initializer, class Axes>
struct group_parameter {
    using tag = parameter_tag<Layer, Tag>;
    using owner = Owner;
    using name_tag = Tag;
    static constexpr local_parameter value() {
        local_parameter result;
        result.layer = Layer;
        result.name = Tag::name;
        result.tag = &tag_identity<Tag>;
        result.shape = extents_of<Shape>();
        result.initialize = &Initializer::fill;
        for (int axis = 0; axis < max_rank; ++axis) result.saved_axes[axis] = axis;
        set_axes(result, Axes{});
        return result;
    }
    template <int... Axis>
    static constexpr void set_axes(local_parameter& result, saved_axes<Axis...>) {
        int position = 0;
        ((result.saved_axes[position++] = Axis), ...);
    }
};

template <int Index, class Owner, class Parameters>
struct parameters_of_layer;
template <int Index, class Owner, class... Tag, class... Shape, class... Initializer, class... Axes>
struct parameters_of_layer<Index, Owner, parameters<parameter<Tag, Shape, Initializer, Axes>...>> {
    using type = type_list<group_parameter<Index, Owner, Tag, Shape, Initializer, Axes>...>;
};

template <int Index, class In, class... Layers>
struct parameters_of_layers {
    using type = type_list<>;
};
template <int Index, class In, class Layer, class... Rest>
struct parameters_of_layers<Index, In, Layer, Rest...> {
    using type =
        concatenate<typename parameters_of_layer<Index, Layer, parameters_of<Layer, In>>::type,
                    typename parameters_of_layers<Index + 1, output_shape<Layer, In>, Rest...>::type>;
};
template <int Index, class In, class... Rest>
struct parameters_of_layers<Index, In, join, Rest...> : parameters_of_layers<Index + 1, In, Rest...> {};

template <class Group>
struct group_traits {
    using parameters = type_list<>;
    static constexpr int inputs = 1;
    using upstream = literal<1.0>;
};
template <class In, class... Layers>
struct group_traits<group<In, Layers...>> {
    using parameters = typename parameters_of_layers<0, In, Layers...>::type;
    static constexpr int inputs = 1 + (0 + ... + static_cast<int>(std::is_same_v<Layers, join>));
    using upstream = leaf<upstream_tag, typename group_expression<group<In, Layers...>, training_mode>::result_shape, true>;
};
template <class Shape>
struct group_traits<sum_group<Shape>> {
    using parameters = type_list<>;
    static constexpr int inputs = 2;
    using upstream = leaf<upstream_tag, Shape, true>;
};

} // namespace detail

} // namespace lockstep
