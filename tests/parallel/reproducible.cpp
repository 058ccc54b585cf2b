// SPDX-License-Identifier: MIT
// reproducible<4>: loss, parameters and what the optimizer keeps have the same bits on 1, 2 and 4 replicas.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/parameter_groups.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;

using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::dropout<0.2>,
                           ls::residual<ls::linear<20>, ls::relu, ls::linear<33>>, ls::dropout<0.1>, ls::linear<4>>;
using convolutional =
    ls::sequential<ls::shape<2, 6, 5>, ls::conv2d<5, 3, ls::padding<1>>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                   ls::dropout<0.3>, ls::linear<4>>;
/// Its second layer is large enough for oneDNN's products, where it is the default library.
using wide = ls::sequential<ls::shape<6>, ls::linear<1024>, ls::relu, ls::linear<1024>, ls::relu, ls::linear<4>>;

template <class T>
double largest_difference(std::vector<T> const& a, std::vector<T> const& b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
    return largest;
}

} // namespace

TEST_CASE("an MLP with dropout and a residual block is the same on any number of replicas") {
    auto const one = train<mlp, ls::cpu_devices<1>, ls::reproducible<4>>();
    CHECK(one.losses.back() < one.losses.front());
    compare(train<mlp, ls::cpu_devices<1>, ls::reproducible<4>>(), one);
    compare(train<mlp, ls::cpu_devices<2>, ls::reproducible<4>>(), one);
    compare(train<mlp, ls::cpu_devices<4>, ls::reproducible<4>>(), one);
}

TEST_CASE("a convolutional net is the same on any number of replicas") {
    auto const one = train<convolutional, ls::cpu_devices<1>, ls::reproducible<4>>();
    CHECK(one.losses.back() < one.losses.front());
    compare(train<convolutional, ls::cpu_devices<2>, ls::reproducible<4>>(), one);
    compare(train<convolutional, ls::cpu_devices<4>, ls::reproducible<4>>(), one);
}

TEST_CASE("a wide MLP is the same on any number of replicas") {
    compare(train<wide, ls::cpu_devices<4>, ls::reproducible<4>>(), train<wide, ls::cpu_devices<1>, ls::reproducible<4>>());
}

TEST_CASE("forward, backward, reduce and update are a step") {
    compare(train<mlp, ls::cpu_devices<1>, ls::reproducible<4>>(way::by_parts),
            train<mlp, ls::cpu_devices<1>, ls::reproducible<4>>());
    compare(train<mlp, ls::cpu_devices<2>, ls::reproducible<4>>(way::by_parts),
            train<mlp, ls::cpu_devices<2>, ls::reproducible<4>>());
    compare(train<convolutional, ls::cpu_devices<2>, ls::reproducible<4>>(way::by_parts),
            train<convolutional, ls::cpu_devices<2>, ls::reproducible<4>>());
}

namespace {

ls::averaged const with_all{ls::parameter_groups{ls::adamw{.learning_rate = 0.01, .weight_decay = 0.1},
                                                 ls::group_of<ls::bias>(ls::adamw{.learning_rate = 0.02,
                                                                                  .weight_decay = 0.0})},
                            0.9};
/// Smaller than most gradients' norms here.
ls::clip_norm const tight{0.05};

} // namespace

TEST_CASE("clipping by norm, parameter groups and averages are the same on any number of replicas") {
    auto const one = train_with<mlp, ls::cpu_devices<1>, ls::reproducible<4>>(way::whole, with_all, tight);
    CHECK(one.losses.back() < one.losses.front());
    CHECK(one != train_with<mlp, ls::cpu_devices<1>, ls::reproducible<4>>(way::whole, with_all));
    compare(train_with<mlp, ls::cpu_devices<2>, ls::reproducible<4>>(way::whole, with_all, tight), one);
    compare(train_with<mlp, ls::cpu_devices<4>, ls::reproducible<4>>(way::whole, with_all, tight), one);
    // Several buckets, and many of the blocks whose squares are added.
    compare(train_with<wide, ls::cpu_devices<4>, ls::reproducible<4>>(way::whole, with_all, tight),
            train_with<wide, ls::cpu_devices<1>, ls::reproducible<4>>(way::whole, with_all, tight));
}

TEST_CASE("forward, backward, reduce and update are a step, clipped or not, with groups and averages") {
    using two = ls::cpu_devices<2>;
    compare(train_with<mlp, two, ls::reproducible<4>>(way::by_parts, with_all),
            train_with<mlp, two, ls::reproducible<4>>(way::whole, with_all));
    compare(train_with<mlp, two, ls::reproducible<4>>(way::by_parts, with_all, tight),
            train_with<mlp, two, ls::reproducible<4>>(way::whole, with_all, tight));
    compare(train_with<mlp, two, ls::reproducible<4>>(way::by_parts, ls::sgd{.learning_rate = 0.1}, ls::clip_value{1e-3}),
            train_with<mlp, two, ls::reproducible<4>>(way::whole, ls::sgd{.learning_rate = 0.1}, ls::clip_value{1e-3}));
}

TEST_CASE("without reproducible, replicas differ by rounding alone") {
    // Dropout does not depend on who computes a sample, so neither does anything else but the order of sums.
    auto const one = train<mlp, ls::cpu_devices<1>>();
    auto const three = train<mlp, ls::cpu_devices<3>>();
    CHECK(three.is_finite());
    CHECK(largest_difference(one.parameters, three.parameters) < 1e-4);
    CHECK(largest_difference(one.losses, three.losses) < 1e-4);
}
