// SPDX-License-Identifier: MIT
// Small models of the usual kinds, for any list of devices.
#pragma once

#include "../parallel/training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/adaptive_avg_pool2d.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/grid/step.hpp>
#include <lockstep/train/parameter_groups.hpp>

namespace tests {

/// Adds a learned row to each position.
struct positions {
    template <class In>
    using parameters = ls::parameters<ls::parameter<ls::weight, In, ls::initializer::normal<0.0, 0.1>>>;
    constexpr auto operator()(auto x, auto context) const { return x + context[ls::weight{}]; }
};
using transformer_block =
    ls::chain<ls::residual<ls::layer_norm<>, ls::multihead_attention<2, ls::causal>>,
              ls::residual<ls::layer_norm<>, ls::linear<16>, ls::gelu, ls::linear<8>>>;
/// The scores of what follows each of 6 of 11 tokens.
using gpt = ls::sequential<ls::class_indices<11, 6>, ls::embedding<8>, positions, ls::repeat<2, transformer_block>,
                           ls::layer_norm<>, ls::linear<11>>;

template <int Channels, int Stride = 1>
using convolution = ls::conv2d<Channels, 3, ls::stride<Stride>, ls::padding<1>, ls::no_bias>;
/// Two residual blocks, of which the second one halves the image.
template <class... OfNormalization>
using resnet =
    ls::sequential<ls::shape<2, 6, 6>, convolution<4>, ls::batch_norm<OfNormalization...>, ls::relu,
                   ls::residual<convolution<4>, ls::batch_norm<OfNormalization...>, ls::relu, convolution<4>>, ls::relu,
                   ls::branch_sum<ls::conv2d<8, 1, ls::stride<2>>,
                                  ls::chain<convolution<8, 2>, ls::batch_norm<OfNormalization...>>>,
                   ls::relu, ls::adaptive_avg_pool2d<1>, ls::flatten, ls::linear<3>>;

/// Sequences that count, each with a step of its own.
struct sequences {
    static constexpr int length = 6, tokens = 11;
    ls::tensor<std::int32_t, ls::class_indices<tokens, length>> inputs{16};
    std::vector<std::int32_t> targets;

    sequences() {
        for (int n = 0; n < 16; ++n)
            for (int p = 0; p < length; ++p) {
                inputs[n][static_cast<std::size_t>(p)] = (n + p * (n % 3 + 1)) % tokens;
                targets.push_back((n + (p + 1) * (n % 3 + 1)) % tokens);
            }
    }
    template <class T>
    ls::batch_view<T, ls::class_indices<tokens, length>, ls::shape<length>> first(std::int64_t count) const {
        return {inputs.view().slice(0, count), std::span(targets).first(static_cast<std::size_t>(count * length))};
    }
};

/// Full batches, short ones, and such that leave shards empty.
constexpr std::int64_t batch_counts[] = {16, 13, 16, 2, 5};

/// Weights decay, biases and scales do not.
inline constexpr ls::parameter_groups gpt_optimizer{
    ls::adamw{.learning_rate = 0.02, .weight_decay = 0.1},
    ls::group_of<ls::bias, ls::scale>(ls::adamw{.learning_rate = 0.01, .weight_decay = 0.0})};

/// With a gradient whose norm is bounded.
template <class Devices, class... Policies>
auto train_gpt(int steps) {
    ls::parallel<gpt, Devices, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, gpt_optimizer, ls::batch_size<16>, ls::clip_norm{1.0}};
    sequences const data;
    std::vector<double> losses;
    for (int step = 0; step < steps; ++step)
        losses.push_back(trainer.step(data.first<typename decltype(model)::element>(batch_counts[step % 5])));
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

} // namespace tests
