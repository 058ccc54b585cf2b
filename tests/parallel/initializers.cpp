// SPDX-License-Identifier: MIT
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/orthogonal.hpp>
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/parallel/parallel.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace {

namespace ls = lockstep;
namespace initializer = ls::initializer;

using net = ls::sequential<
    ls::shape<12>, ls::linear<30, ls::initialized<ls::weight, initializer::xavier_uniform<ls::gain::tanh>>>, ls::tanh,
    ls::linear<30, ls::initialized<ls::bias, initializer::constant<0.25>>,
               ls::initialized<ls::weight, initializer::orthogonal<>>>,
    ls::linear<4, ls::no_bias, ls::initialized<ls::weight, initializer::kaiming_normal<>>>, ls::linear<5>>;

using weights_of_half = ls::initialized<ls::weight, initializer::constant<0.5>>;
using biases_of_a_quarter = ls::initialized<ls::bias, initializer::constant<0.25>>;
using convolutions =
    ls::sequential<ls::shape<2, 6, 6>, ls::conv2d<3, 3, weights_of_half, biases_of_a_quarter>,
                   ls::conv_transpose2d<2, 3, weights_of_half, biases_of_a_quarter>, ls::reshaped<2, 36>,
                   ls::conv1d<2, 3, weights_of_half, biases_of_a_quarter>>;

double largest(std::vector<double> const& values) {
    double result = 0.0;
    for (double const value : values) result = std::max(result, std::abs(value));
    return result;
}

} // namespace

TEST_CASE("a linear layer's options say how its parameters start") {
    ls::parallel<net, ls::cpu_devices<1>, ls::element<double>> model{ls::seed{1}};
    REQUIRE(model.parameter_count() == 7);
    double const bound = 5.0 / 3.0 * std::sqrt(6.0 / 42.0);
    CHECK(largest(model.parameter(0)) <= bound);
    CHECK(largest(model.parameter(0)) > 0.95 * bound);
    // What is not said is PyTorch's.
    CHECK(largest(model.parameter(1)) <= 1.0 / std::sqrt(12.0));
    CHECK(largest(model.parameter(1)) > 0.8 / std::sqrt(12.0));
    std::vector<double> const weight = model.parameter(2);
    for (int row = 0; row < 30; ++row) {
        double square = 0.0;
        for (int k = 0; k < 30; ++k) square += weight[row * 30 + k] * weight[row * 30 + k];
        CHECK(square == doctest::Approx(1.0).epsilon(1e-14));
    }
    for (double const value : model.parameter(3)) CHECK(value == 0.25);
    CHECK(largest(model.parameter(4)) > 1.5 * std::sqrt(2.0 / 30.0));
    CHECK(largest(model.parameter(5)) <= 0.5);
}

TEST_CASE("a convolution's options say how its parameters start") {
    ls::parallel<convolutions, ls::cpu_devices<1>> model{ls::seed{1}};
    REQUIRE(model.parameter_count() == 6);
    for (int i = 0; i < 6; ++i)
        for (float const value : model.parameter(i)) CHECK(value == (i % 2 == 0 ? 0.5f : 0.25f));
}

TEST_CASE("first values do not depend on the devices") {
    ls::parallel<net, ls::cpu_devices<1>> one{ls::seed{1}};
    ls::parallel<net, ls::cpu_devices<4>, ls::reproducible<8>> four{ls::seed{1}};
    ls::parallel<net, ls::cpu_devices<4>> other{ls::seed{2}};
    for (int i = 0; i < one.parameter_count(); ++i) CHECK(one.parameter(i) == four.parameter(i));
    CHECK(one.parameter(4) != other.parameter(4));
}
