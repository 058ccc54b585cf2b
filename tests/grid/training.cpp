// SPDX-License-Identifier: MIT
// The whole way of a model on devices that compute by themselves, beside the same on a host: whole steps as graphs, and
// their parts.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;
/// Devices that do not reach each other's memory.
template <int... Number>
using apart = ls::devices<queues::queue<Number, false>...>;

using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::dropout<0.2>,
                           ls::residual<ls::linear<20>, ls::relu, ls::linear<33>>, ls::dropout<0.1>, ls::linear<4>>;
using convolutional =
    ls::sequential<ls::shape<2, 6, 5>, ls::conv2d<5, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu, ls::max_pool2d<2>,
                   ls::flatten, ls::linear<4>>;

constexpr ls::sgd optimizer{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};

} // namespace

TEST_CASE("an MLP with dropout and a residual block on devices is what it is on a host, and the same on any number of them") {
    using exact = ls::element<double>;
    auto const one = train<mlp, on<0>, ls::reproducible<4>, exact>();
    check_close(one, train<mlp, ls::cpu_devices<1>, ls::reproducible<4>, exact>());
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, exact>(), one);
    compare(train<mlp, on<0, 0, 0, 0>, ls::reproducible<4>, exact>(), one);
    compare(train<mlp, apart<0, 1, 2, 3>, ls::reproducible<4>, exact>(), one);
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, exact>(way::by_parts), one);
}

TEST_CASE("a convolutional net with running statistics on devices") {
    auto const one = train<convolutional, on<0>, ls::reproducible<4>>();
    check_close(one, train<convolutional, ls::cpu_devices<1>, ls::reproducible<4>>());
    compare(train<convolutional, on<0, 1, 2, 3>, ls::reproducible<4>>(), one);
    compare(train<convolutional, apart<0, 1>, ls::reproducible<4>>(), one);
    compare(train<convolutional, on<0, 1>, ls::reproducible<4>>(way::by_parts), one);
}
