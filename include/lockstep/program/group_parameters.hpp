// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/gradient.hpp>
#include <lockstep/layer/parameter.hpp>
#include <lockstep/program/group.hpp>
#include <lockstep/program/local_program.hpp>
#include <lockstep/program/type_list.hpp>

namespace lockstep {

namespace detail {

/// A parameter's Merge: it is trained.
struct trained {};
constexpr merge_rule merge_rule_of(trained) { return {}; }
template <double Momentum>
constexpr merge_rule merge_rule_of(merge::average<Momentum>) {
    return {merge_kind::average, Momentum};
}
constexpr merge_rule merge_rule_of(merge::sum) { return {merge_kind::sum, 0.0}; }
constexpr merge_rule merge_rule_of(merge::maximum) { return {merge_kind::maximum, 0.0}; }

template <int Layer, class Owner, class Tag, class Shape, class Initializer, class Axes, class Merge = trained>
struct group_parameter {
    static constexpr bool is_trained = std::is_same_v<Merge, trained>;
    using tag = parameter_tag<Layer, Tag>;
    static constexpr local_parameter value() {
        local_parameter result;
        result.layer = Layer;
        result.name = Tag::name;
        result.tag = &tag_identity<Tag>;
        result.owner = &tag_identity<Owner>;
        result.shape = extents_of<Shape>();
        result.initialize = &Initializer::fill;
        result.merge = merge_rule_of(Merge{});
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

template <int Index, class Owner, class Declared>
struct declared_in_group;
template <int Index, class Owner, class Tag, class Shape, class Initializer, class Axes>
struct declared_in_group<Index, Owner, parameter<Tag, Shape, Initializer, Axes>> {
    using type = group_parameter<Index, Owner, Tag, Shape, Initializer, Axes>;
};
template <int Index, class Owner, class Tag, class Shape, class Initializer, class Merge, class Axes>
struct declared_in_group<Index, Owner, state<Tag, Shape, Initializer, Merge, Axes>> {
    using type = group_parameter<Index, Owner, Tag, Shape, Initializer, Axes, Merge>;
};

template <int Index, class Owner, class Parameters>
struct parameters_of_layer;
template <int Index, class Owner, class... Declared>
struct parameters_of_layer<Index, Owner, parameters<Declared...>> {
    using type = type_list<typename declared_in_group<Index, Owner, Declared>::type...>;
};

/// Those that are trained.
template <class Parameters>
struct trained_of;
template <class... Parameters>
struct trained_of<type_list<Parameters...>> {
    using type =
        typename joined<std::conditional_t<Parameters::is_trained, type_list<Parameters>, type_list<>>...>::type;
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
template <int Index, class In, class... Shapes, class... Rest>
struct parameters_of_layers<Index, In, concat_join<Shapes...>, Rest...>
    : parameters_of_layers<Index + 1, lockstep::shape_from<joined_extents<In, Shapes...>>, Rest...> {};

/// Inputs that a layer adds to its group's.
template <class Layer>
inline constexpr int further_inputs = 0;
template <>
inline constexpr int further_inputs<join> = 1;
template <class... Shapes>
inline constexpr int further_inputs<concat_join<Shapes...>> = sizeof...(Shapes);

template <class Group>
struct group_traits;
template <class In, class Loss, class What>
struct group_traits<loss_group<In, Loss, What>> {
    using parameters = type_list<>;
    /// The inputs that have a gradient, and the shape of the first. Nobody asks for the gradient of a divisor.
    static constexpr int inputs = std::is_same_v<What, loss_value> ? 1 : 0;
    using input = In;
    using upstream = literal<1.0>;
};
template <class In, class... Layers>
struct group_traits<group<In, Layers...>> {
    using parameters = typename parameters_of_layers<0, In, Layers...>::type;
    static constexpr int inputs = is_class_indices<In> ? 0 : 1 + (0 + ... + further_inputs<Layers>);
    using input = In;
    using upstream = leaf<upstream_tag, typename group_expression<group<In, Layers...>, training_mode>::result_shape, true>;
};
template <class Shape>
struct group_traits<sum_group<Shape>> {
    using parameters = type_list<>;
    static constexpr int inputs = 2;
    using input = Shape;
    using upstream = leaf<upstream_tag, Shape, true>;
};

} // namespace detail

} // namespace lockstep
