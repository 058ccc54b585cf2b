// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/program/program.hpp>

#include <cstddef>
#include <utility>

namespace lockstep {

/// What the compiler prints for a parameter that would never be trained, because nothing that the loss depends on
/// depends on it, or by comparisons alone: the place of its layer in the model, <2, 0> for layer 0 of the block that is
/// layer 2, then the layer and the parameter's tag, as addresses, &identity_of<...>::value.
template <class Loss>
struct not_reached_by {
    template <int... Place>
    struct parameter_at {
        template <void const* Layer, void const* Tag>
        struct of_layer {
            static_assert(Tag == nullptr, "the loss does not depend on a parameter that is not frozen: the type above "
                                          "names the loss, and the parameter's place, layer and tag");
        };
    };
};

namespace detail {

template <class Plan>
inline constexpr int unreached_parameter = [] {
    for (std::size_t i = 0; i < Plan::value.parameters.size(); ++i)
        if (Plan::value.parameters[i].unreached) return static_cast<int>(i);
    return -1;
}();

template <class Loss, class Plan, int... Level>
constexpr bool check_reach(std::integer_sequence<int, Level...>) {
    constexpr program_parameter const& found = Plan::value.parameters[unreached_parameter<Plan>];
    using place = typename not_reached_by<Loss>::template parameter_at<found.path.index[Level]...>;
    return sizeof(typename place::template of_layer<found.declared.owner, found.declared.tag>) > 0;
}

} // namespace detail

/// Static_asserts that every parameter of a training's plan is trained or frozen. Plan has the plan as its value.
template <class Loss, class Plan>
constexpr bool reaches_all_parameters() {
    if constexpr (detail::unreached_parameter<Plan> < 0) return true;
    else
        return detail::check_reach<Loss, Plan>(
            std::make_integer_sequence<int, Plan::value.parameters[detail::unreached_parameter<Plan>].path.depth>{});
}

} // namespace lockstep
