// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/shape_walk.hpp>
#include <lockstep/program/type_list.hpp>

namespace lockstep {

/// Layers that a program treats as one expression: at most one that holds primitives, at the front, and the
/// elementwise layers that follow it. Nothing of it depends on where in a model it stands.
template <any_shape In, class... Layers>
struct group {};

/// Input number Index of a group. 0 is what the group before it gave; the others join from elsewhere.
template <int Index>
struct input_tag {};
/// The gradient of the loss with respect to a group's result.
struct upstream_tag {};

namespace detail {

/// The end of a residual block as an elementwise layer: adds a further input of the group.
struct join {};

/// The end of branches: further inputs of the group, of these shapes, behind the first one's channels or features.
template <any_shape... Shapes>
struct concat_join {};

/// Changes an image's order in memory where it enters or leaves a model.
template <bool ToChannelsLast>
struct reorder {
    template <expression X>
    constexpr auto operator()(X) const {
        return compute<primitive::reorder_image<ToChannelsLast>, X>{};
    }
};

template <class Mode, int Index, int Inputs, class... Layers>
struct group_forward {
    static constexpr auto of(auto x) { return x; }
};
template <class Mode, int Index, int Inputs, class Layer, class... Rest>
struct group_forward<Mode, Index, Inputs, Layer, Rest...> {
    static constexpr auto of(auto x) {
        auto const y = forward<Layer, Index, Mode>(x);
        return group_forward<Mode, Index + 1, Inputs, Rest...>::of(y);
    }
};
template <class Mode, int Index, int Inputs, class... Rest>
struct group_forward<Mode, Index, Inputs, join, Rest...> {
    static constexpr auto of(auto x) {
        auto const y = x + leaf<input_tag<Inputs>, typename decltype(x)::result_shape, true>{};
        return group_forward<Mode, Index + 1, Inputs + 1, Rest...>::of(y);
    }
};

/// The observations of a layer, for its place in a group.
template <class Index, class Result>
struct tagged_observations {
    using type = type_list<>;
};
template <int Index, class E, class... Tag, class... Value>
struct tagged_observations<std::integral_constant<int, Index>, observed<E, observation<Tag, Value>...>> {
    using type = type_list<observation<parameter_tag<Index, Tag>, Value>...>;
};

/// All observations of a group's layers.
template <class Mode, int Index, int Inputs, class X, class... Layers>
struct observations_of_layers {
    using type = type_list<>;
};
template <class Mode, int Index, int Inputs, class X, class Layer, class... Rest>
struct observations_of_layers<Mode, Index, Inputs, X, Layer, Rest...> {
    using result = decltype(call_layer<Layer, Index, Mode>(X{}));
    using value = decltype(value_of(result{}));
    using type = concatenate<typename tagged_observations<std::integral_constant<int, Index>, result>::type,
                             typename observations_of_layers<Mode, Index + 1, Inputs, value, Rest...>::type>;
};
template <class Mode, int Index, int Inputs, class X, class... Rest>
struct observations_of_layers<Mode, Index, Inputs, X, join, Rest...>
    : observations_of_layers<Mode, Index + 1, Inputs + 1, decltype(group_forward<Mode, Index, Inputs, join>::of(X{})), Rest...> {};
template <class Mode, int Index, int Inputs, class X, class... Shapes, class... Rest>
struct observations_of_layers<Mode, Index, Inputs, X, concat_join<Shapes...>, Rest...>
    : observations_of_layers<Mode, Index + 1, Inputs + static_cast<int>(sizeof...(Shapes)),
                             decltype(group_forward<Mode, Index, Inputs, concat_join<Shapes...>>::of(X{})), Rest...> {};

template <class Mode, int Index, int Inputs, class... Shapes, class... Rest>
struct group_forward<Mode, Index, Inputs, concat_join<Shapes...>, Rest...> {
    static constexpr auto of(auto x) {
        auto const y = joined(x, std::make_integer_sequence<int, sizeof...(Shapes)>{});
        return group_forward<Mode, Index + 1, Inputs + static_cast<int>(sizeof...(Shapes)), Rest...>::of(y);
    }
    template <class X, int... Each>
    static constexpr auto joined(X x, std::integer_sequence<int, Each...>) {
        return concat<branch_axis<typename X::result_shape>>(x, leaf<input_tag<Inputs + Each>, Shapes, true>{}...);
    }
};

template <class In>
using group_input = leaf<input_tag<0>, In, true>;

/// The expressions of a group: its result from its inputs and parameters.
template <class Group, class Mode>
struct expression_rule;
template <class In, class... Layers, class Mode>
struct expression_rule<group<In, Layers...>, Mode> {
    using type = decltype(group_forward<Mode, 0, 1, Layers...>::of(group_input<In>{}));
};

/// The observations of a group, in training.
template <class Group, class Mode>
struct observation_rule {
    using type = type_list<>;
};
template <class In, class... Layers>
struct observation_rule<group<In, Layers...>, training_mode> {
    using type = typename observations_of_layers<training_mode, 0, 1, group_input<In>, Layers...>::type;
};

/// The loss, or a metric, summed over the samples of a batch.
struct loss_value {};
struct correct_count {};
/// What a batch's sum is divided by, and how many answers it has.
struct loss_divisor {};
struct answer_count {};
template <class In, class Loss, class What>
struct loss_group {};

/// One number for all samples, in a buffer of its own.
template <expression E>
constexpr auto scalar(E e) {
    static_assert(!E::per_sample && E::result_shape::size == 1, "a divisor is one number for all samples: see sum_over_batch");
    if constexpr (std::is_same_v<E, sample_count>) return e + literal<0.0>{};
    else return e;
}

template <class In, class Loss>
using target_leaf =
    leaf<target_tag, typename Loss::template target_shape<In>, true, Loss::target_content>;

template <class In, class Loss, class Mode>
struct expression_rule<loss_group<In, Loss, loss_value>, Mode> {
    using type = decltype(sum_over_batch(Loss{}(group_input<In>{}, target_leaf<In, Loss>{})));
};
template <class In, class Loss, class Mode>
struct expression_rule<loss_group<In, Loss, correct_count>, Mode> {
    using type = decltype(sum_over_batch(Loss::correct(group_input<In>{}, target_leaf<In, Loss>{})));
};
template <class In, class Loss, class Mode>
struct expression_rule<loss_group<In, Loss, loss_divisor>, Mode> {
    using type = decltype(scalar(Loss::divisor(group_input<In>{}, target_leaf<In, Loss>{})));
};
/// In an evaluation losses that count differently are added up apart.
template <class In, class Loss>
concept is_summed_apart = requires { Loss::values_apart(group_input<In>{}, target_leaf<In, Loss>{}); };
template <class In, class Loss>
    requires is_summed_apart<In, Loss>
struct expression_rule<loss_group<In, Loss, loss_value>, evaluation_mode> {
    using type = decltype(Loss::values_apart(group_input<In>{}, target_leaf<In, Loss>{}));
};
template <class In, class Loss>
    requires is_summed_apart<In, Loss>
struct expression_rule<loss_group<In, Loss, loss_divisor>, evaluation_mode> {
    using type = decltype(Loss::divisors_apart(group_input<In>{}, target_leaf<In, Loss>{}));
};
template <class In, class Loss, class Mode>
struct expression_rule<loss_group<In, Loss, answer_count>, Mode> {
    using type = decltype(scalar(Loss::answers(group_input<In>{}, target_leaf<In, Loss>{})));
};

/// The sum of two gradients that reach the same value.
template <class Shape>
struct sum_group {};
template <class Shape, class Mode>
struct expression_rule<sum_group<Shape>, Mode> {
    using type = decltype(leaf<input_tag<0>, Shape, true>{} + leaf<input_tag<1>, Shape, true>{});
};

} // namespace detail

/// The forward expression of a group.
template <class Group, class Mode>
using group_expression = typename detail::expression_rule<Group, Mode>::type;

} // namespace lockstep
