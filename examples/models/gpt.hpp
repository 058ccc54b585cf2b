// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

#include <type_traits>

// A transformer that predicts a text's next byte, GPT-2 (Radford et al. 2019) in small: layers are normalized before
// attention and perceptron, and once more at the end.
namespace models {

namespace ls = lockstep;

namespace name {

struct token {
    static constexpr char const* name = "token";
};
struct position {
    static constexpr char const* name = "position";
};
struct blocks {
    static constexpr char const* name = "blocks";
};
struct head {
    static constexpr char const* name = "head";
};

} // namespace name

/// GPT-2's first values: weights normally distributed, biases 0.
template <double Deviation = 0.02>
using small_weight = ls::initialized<ls::weight, ls::initializer::normal<0.0, Deviation>>;
using no_first_bias = ls::initialized<ls::bias, ls::initializer::zeros>;

/// Adds a learned row to each position: [positions, features], unchanged in shape. A layer of one's own declares its
/// parameters and says what it computes; its gradient is derived.
struct position_embedding {
    template <class In>
    using broken_rule = std::conditional_t<In::rank == 2, ls::rule::none, ls::rule::takes_positions_by_features>;
    template <class In>
    using parameters = ls::parameters<ls::parameter<ls::weight, In, ls::initializer::normal<0.0, 0.02>>>;

    constexpr auto operator()(auto x, auto context) const { return x + context[ls::weight{}]; }
};

/// Attention, then a perceptron for each position, both added to what they read. The perceptron's last weights are
/// smaller the more of them are added.
template <int Features, int Heads, int Depth>
using transformer_block =
    ls::chain<ls::residual<ls::layer_norm<>, ls::multihead_attention<Heads, ls::causal>>,
              ls::residual<ls::layer_norm<>, ls::linear<4 * Features, small_weight<>, no_first_bias>, ls::gelu,
                           ls::linear<Features, small_weight<0.02 / ls::gain::square_root(2.0 * Depth)>,
                                      no_first_bias>>>;

/// Indices of Classes tokens at Positions places -> scores of the token that follows each: [Positions, Classes].
template <int Classes, int Positions, int Features, int Heads, int Depth>
using gpt = ls::sequential<ls::class_indices<Classes, Positions>,
                           ls::named<name::token, ls::embedding<Features, small_weight<>>>,
                           ls::named<name::position, position_embedding>,
                           ls::named<name::blocks, ls::repeat<Depth, transformer_block<Features, Heads, Depth>>>,
                           ls::layer_norm<>, ls::named<name::head, ls::linear<Classes, ls::no_bias, small_weight<>>>>;

/// AdamW for a transformer: weights decay, biases and the normalizations' parameters do not.
inline auto transformer_optimizer(double learning_rate, double weight_decay) {
    ls::adamw const decaying{.learning_rate = learning_rate, .beta2 = 0.99, .weight_decay = weight_decay};
    ls::adamw plain = decaying;
    plain.weight_decay = 0.0;
    return ls::parameter_groups{
        decaying, ls::group_of<ls::bias, ls::scale, ls::in_projection_bias, ls::out_projection_bias>(plain)};
}

} // namespace models
