// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/local_program.hpp>
#include <lockstep/train/optimizer.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace lockstep {

/// What the compiler prints for a parameter group's tag that no trained parameter of the model has.
template <class Tag>
struct parameter_group_of {
    template <class Model>
    struct in_model {
        template <bool Found>
        struct check {
            static_assert(Found, "no parameter of the model has the tag of a parameter group: the type above names "
                                 "the tag and the model");
        };
    };
};

namespace detail {

constexpr bool has_parameter_with(plan const& p, void const* tag) {
    for (program_parameter const& parameter : p.parameters)
        if (parameter.declared.is_trained() && parameter.declared.tag == tag) return true;
    return false;
}

template <class... Groups>
constexpr int groups_with(void const* tag) {
    return (0 + ... + static_cast<int>(Groups::contains(tag)));
}

/// The optimizer of the parameters with one of these tags.
template <class Optimizer, class... Tags>
struct tagged_group {
    static_assert(sizeof...(Tags) > 0, "a parameter group has at least one tag: group_of<bias>(...)");

    using optimizer_type = Optimizer;
    static constexpr bool contains(void const* tag) { return ((tag == &tag_identity<Tags>) || ...); }
    template <class... Groups>
    static constexpr bool is_apart_in = ((groups_with<Groups...>(&tag_identity<Tags>) == 1) && ...);
    template <class Model, class Plan>
    static constexpr bool is_part_of =
        (sizeof(typename parameter_group_of<Tags>::template in_model<Model>::template check<
                has_parameter_with(Plan::value, &tag_identity<Tags>)>) *
         ... * 1) > 0;

    Optimizer optimizer;
};

} // namespace detail

/// A member of parameter_groups: group_of<bias, scale>(adamw{.weight_decay = 0.0}).
template <class... Tags, class Optimizer>
constexpr detail::tagged_group<Optimizer, Tags...> group_of(Optimizer optimizer) {
    return {optimizer};
}

/// An optimizer with other hyperparameters for some parameters, which their tags tell: the counterpart of PyTorch's
/// parameter groups. The first optimizer is for all parameters that are in no group.
///
///   parameter_groups{adamw{.weight_decay = 0.1}, group_of<bias, scale>(adamw{.weight_decay = 0.0})}
///
/// All are of one type and so keep the same values. At compile time, every tag is in one group only, and a trainer
/// checks that it is the tag of at least one parameter of the model.
template <class Optimizer, class... Groups>
class parameter_groups {
public:
    static_assert((std::same_as<typename Groups::optimizer_type, Optimizer> && ...),
                  "the optimizers of parameter_groups are of one type");
    static_assert((Groups::template is_apart_in<Groups...> && ...), "a tag belongs to one parameter group");
    static_assert(!requires { Optimizer::average_state; },
                  "averaged goes around parameter_groups, not into it: averaged{parameter_groups{...}}");

    static constexpr int groups = 1 + static_cast<int>(sizeof...(Groups));
    static constexpr int states = Optimizer::states;
    static constexpr auto const& state_names = Optimizer::state_names;
    template <class T>
    using rule = typename Optimizer::template rule<T>;

    constexpr explicit parameter_groups(Optimizer others, Groups... members)
        : optimizers_{others, members.optimizer...}, first_rates_{others.learning_rate, members.optimizer.learning_rate...} {}

    template <class T>
    constexpr rule<T> rule_for(std::uint64_t step, int group) const {
        return optimizers_[group].template rule_for<T>(step);
    }
    static constexpr int group_of(void const* tag) {
        int group = 0, found = 0;
        ((++group, found = Groups::contains(tag) ? group : found), ...);
        return found;
    }
    template <class Model, class Plan>
    static constexpr bool is_part_of = (Groups::template is_part_of<Model, Plan> && ...);

    /// A group's optimizer, in the order in which they were given: 0 is that of all other parameters.
    constexpr Optimizer& optimizer(int group) { return optimizers_[group]; }

    double learning_rate() const { return optimizers_[0].learning_rate; }
    /// Sets the rate of optimizer 0; those of the groups keep the ratio to it that they were made with. Throws
    /// usage_error where it was made with a rate of 0, so that there is no ratio.
    void set_learning_rate(double rate) {
        if (groups > 1 && first_rates_[0] == 0.0)
            throw usage_error("parameter_groups: made with a learning rate of 0, to which the groups have no ratio");
        for (std::size_t i = groups; i-- > 1;) optimizers_[i].learning_rate = rate * (first_rates_[i] / first_rates_[0]);
        optimizers_[0].learning_rate = rate;
    }

private:
    std::array<Optimizer, groups> optimizers_;
    std::array<double, groups> first_rates_;
};

template <class Optimizer, class... Groups>
parameter_groups(Optimizer, Groups...) -> parameter_groups<Optimizer, Groups...>;

} // namespace lockstep
