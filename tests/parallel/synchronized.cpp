// SPDX-License-Identifier: MIT
// Operations at which all shards of a batch meet: synchronized batch normalization is that of the whole batch.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

template <class... Options>
using net = sequential<shape<2, 4, 4>, ls::conv2d<4, 3, ls::padding<1>, ls::no_bias>, ls::batch_norm<Options...>, ls::relu,
                       ls::flatten, ls::dropout<0.2>, ls::linear<3>>;
using synchronized_net = net<ls::synchronized>;

double largest_difference(std::vector<double> const& a, std::vector<double> const& b) {
    double largest = a.size() == b.size() ? 0.0 : 1e30;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

} // namespace

TEST_CASE("synchronized batch normalization sees the whole batch, whatever its shards") {
    auto const whole = train<synchronized_net, ls::cpu_devices<1>, ls::element<double>>();
    auto const halves = train<synchronized_net, ls::cpu_devices<2>, ls::element<double>>();
    auto const quarters = train<synchronized_net, ls::cpu_devices<2>, ls::element<double>, ls::reproducible<4>>();
    REQUIRE(whole.is_finite());
    // The same sums in another order: 50 steps on, with batches that leave shards empty.
    CHECK(largest_difference(halves.losses, whole.losses) < 1e-9);
    CHECK(largest_difference(quarters.losses, whole.losses) < 1e-9);
    CHECK(largest_difference(quarters.parameters, whole.parameters) < 1e-9);
    // On one shard it is batch normalization as it always is; on two that of each shard is another training.
    CHECK(train<net<>, ls::cpu_devices<1>, ls::element<double>>().losses == whole.losses);
    CHECK(largest_difference(train<net<>, ls::cpu_devices<2>, ls::element<double>>().losses, whole.losses) > 1e-3);
}

TEST_CASE("synchronized batch normalization leaves the same bits on 1, 2 and 4 replicas") {
    auto const one = train<synchronized_net, ls::cpu_devices<1>, ls::reproducible<4>>();
    REQUIRE(one.is_finite());
    CHECK(one == train<synchronized_net, ls::cpu_devices<2>, ls::reproducible<4>>());
    CHECK(one == train<synchronized_net, ls::cpu_devices<4>, ls::reproducible<4>>());
    CHECK(one == train<synchronized_net, ls::cpu_devices<4>, ls::reproducible<4>>(way::by_parts));
}
