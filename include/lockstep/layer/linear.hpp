// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// An option of linear and conv2d: no bias is added.
struct no_bias {};

/// y = x W^T + b over the last axis: [in] -> [Units], [positions, in] -> [positions, Units].
/// Parameters as PyTorch's Linear: weight [Units, in], bias [Units]; in memory the weight lies as [in, Units].
/// Options: no_bias, and initialized<weight, ...> and initialized<bias, ...> for other first values than PyTorch's.
template <int Units, class... Options>
struct linear {
    static_assert(Units > 0, "a linear layer has at least one unit");
    static constexpr bool has_bias = !(std::same_as<Options, no_bias> || ...);

    template <class In>
    using broken_rule = std::conditional_t<In::rank == 1 || In::rank == 2, rule::none,
                                           rule::takes_features_or_positions_by_features>;

    template <class In, int Features = In::extents[In::rank - 1],
              class Default = initializer::fan_in_uniform<Features>,
              class Weight = parameter<weight, shape<Features, Units>,
                                       initializer_from<weight, Default, Options...>, saved_axes<1, 0>>,
              class Bias = parameter<bias, shape<Units>, initializer_from<bias, Default, Options...>>>
    using parameters_for =
        std::conditional_t<has_bias, lockstep::parameters<Weight, Bias>, lockstep::parameters<Weight>>;
    template <class In>
    using parameters = parameters_for<In>;

    /// Its weight can be stored in the order of features that a flattened image has in memory.
    static constexpr bool follows_feature_order = true;

    constexpr auto operator()(auto x, auto context) const {
        if constexpr (has_bias) return matmul(x, context[weight{}]) + context[bias{}];
        else return matmul(x, context[weight{}]);
    }
};

} // namespace lockstep
