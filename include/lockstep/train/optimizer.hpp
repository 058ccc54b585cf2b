// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// An optimizer is an aggregate of hyperparameters with
///
///   states, state_names     what it keeps for every parameter; all of it starts at 0
///   rule<T>, rule_for<T>(step)
///                           its formula for one element: rule(parameter, gradient, state&...) is the new parameter
///   learning_rate           or, in what is made of several optimizers, learning_rate() and set_learning_rate(rate)
///
/// It may have `groups`: then rule_for<T>(step, group) is the formula of each, group_of(tag) says which one a
/// parameter belongs to, and is_part_of<Model, Plan> is an error where a group has no parameters. Steps count from
/// 0; in the first, states count as 0 whatever they are.
template <class Optimizer>
concept grouped_optimizer = requires { Optimizer::groups; };

/// How many kinds of parameters an optimizer tells apart.
template <class Optimizer>
constexpr int group_count() {
    if constexpr (grouped_optimizer<Optimizer>) return Optimizer::groups;
    else return 1;
}

/// The group of the parameters with a tag, as local_parameter::tag.
template <class Optimizer>
constexpr int group_of_tag(void const* tag) {
    if constexpr (grouped_optimizer<Optimizer>) return Optimizer::group_of(tag);
    else return 0;
}

/// True, or an error that names the tag of a group to which no parameter of the model belongs.
template <class Optimizer, class Model, class Plan>
constexpr bool groups_are_part_of() {
    if constexpr (grouped_optimizer<Optimizer>) return Optimizer::template is_part_of<Model, Plan>;
    else return true;
}

/// The formula for the parameters of a group.
template <class T, class Optimizer>
auto rule_of_group(Optimizer const& optimizer, std::uint64_t step, int group) {
    if constexpr (grouped_optimizer<Optimizer>) return optimizer.template rule_for<T>(step, group);
    else return optimizer.template rule_for<T>(step);
}

/// The learning rate, of several groups the first one's.
template <class Optimizer>
double learning_rate_of(Optimizer const& optimizer) {
    if constexpr (requires { optimizer.learning_rate(); }) return optimizer.learning_rate();
    else return optimizer.learning_rate;
}
template <class Optimizer>
void set_learning_rate(Optimizer& optimizer, double rate) {
    if constexpr (requires { optimizer.set_learning_rate(rate); }) optimizer.set_learning_rate(rate);
    else optimizer.learning_rate = rate;
}

} // namespace lockstep
