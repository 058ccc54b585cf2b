// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// An option of multihead_attention: a position sees itself and those before it.
struct causal {};

/// The parameters of multihead_attention, under PyTorch's names.
struct in_projection_weight {
    static constexpr char const* name = "in_proj_weight";
};
struct in_projection_bias {
    static constexpr char const* name = "in_proj_bias";
};
struct out_projection_weight {
    static constexpr char const* name = "out_proj.weight";
};
struct out_projection_bias {
    static constexpr char const* name = "out_proj.bias";
};

/// Self-attention, as PyTorch's MultiheadAttention(batch_first = True) of x with itself: [positions, features],
/// unchanged in shape (Vaswani et al. 2017). Heads divides the features.
/// Parameters: in_proj_weight [3 features, features] of queries, keys and values, in_proj_bias, out_proj.weight
/// [features, features], out_proj.bias. Option: causal.
template <int Heads, class... Options>
struct multihead_attention {
    static_assert(Heads >= 1, "attention has at least one head");
    static constexpr attention_mask mask =
        (std::same_as<Options, causal> || ...) ? attention_mask::causal : attention_mask::none;

    template <class In>
    static constexpr auto rule_for() {
        if constexpr (In::rank != 2) return rule::takes_positions_by_features{};
        else if constexpr (In::extents[1] % Heads != 0) return rule::heads_divide_features{};
        else return rule::none{};
    }
    template <class In>
    using broken_rule = decltype(rule_for<In>());

    template <class In, int Features = In::extents[1]>
    using parameters_for = lockstep::parameters<
        parameter<in_projection_weight, shape<Features, 3 * Features>, initializer::xavier_uniform<>, saved_axes<1, 0>>,
        parameter<in_projection_bias, shape<3 * Features>, initializer::zeros>,
        parameter<out_projection_weight, shape<Features, Features>, initializer::fan_in_uniform<Features>, saved_axes<1, 0>>,
        parameter<out_projection_bias, shape<Features>, initializer::zeros>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        auto const qkv = matmul(x, context[in_projection_weight{}]) + context[in_projection_bias{}];
        auto const heads = attention<Heads, mask>(qkv);
        return matmul(heads, context[out_projection_weight{}]) + context[out_projection_bias{}];
    }
};

} // namespace lockstep
