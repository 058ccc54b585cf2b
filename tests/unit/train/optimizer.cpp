// SPDX-License-Identifier: MIT
// What no reference case shows: Lion, and the ends of the other optimizers.
#include <lockstep/train/adagrad.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/lion.hpp>
#include <lockstep/train/rmsprop.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace {

namespace ls = lockstep;

double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0; }

} // namespace

TEST_CASE("Lion is algorithm 2 of its paper") {
    ls::lion const optimizer{.learning_rate = 0.01, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1};
    std::mt19937 generator(3);
    std::normal_distribution<double> normal;
    std::array<double, 20> parameters, expected, mean{}, momentum{};
    for (double& value : parameters) value = normal(generator);
    expected = parameters;
    for (std::uint64_t step = 0; step < 30; ++step) {
        auto const rule = optimizer.rule_for<double>(step);
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            double const gradient = i == 0 ? 0.0 : normal(generator);
            parameters[i] = rule(parameters[i], gradient, mean[i]);

            double const update = sign(0.8 * momentum[i] + (1 - 0.8) * gradient);
            expected[i] = expected[i] - 0.01 * (update + 0.1 * expected[i]);
            momentum[i] = 0.95 * momentum[i] + (1 - 0.95) * gradient;
        }
        for (std::size_t i = 0; i < parameters.size(); ++i)
            CHECK(parameters[i] == doctest::Approx(expected[i]).epsilon(1e-13));
    }
}

TEST_CASE("plain RMSprop divides by the root of the mean square") {
    ls::rmsprop const optimizer{.learning_rate = 0.1, .alpha = 0.5, .epsilon = 0.0, .weight_decay = 0.5};
    double square = 7.0, mean = 7.0, velocity = 7.0;
    // g = 1 + 0.5 * 2 = 2, s = 0.5 * 4 = 2.
    double const first = optimizer.rule_for<double>(0)(2.0, 1.0, square, mean, velocity);
    CHECK(first == doctest::Approx(2.0 - 0.1 * 2.0 / std::sqrt(2.0)));
    double const g = 3.0 + 0.5 * first;
    CHECK(optimizer.rule_for<double>(1)(first, 3.0, square, mean, velocity) ==
          doctest::Approx(first - 0.1 * g / std::sqrt(0.5 * 2.0 + 0.5 * g * g)));
    CHECK(mean == 0.0);
}

TEST_CASE("centered RMSprop survives a gradient that does not change") {
    ls::rmsprop const optimizer{.alpha = 0.5, .centered = true};
    float parameter = 1.0f, square = 0.0f, mean = 0.0f, velocity = 0.0f;
    for (std::uint64_t step = 0; step < 200; ++step)
        parameter = optimizer.rule_for<float>(step)(parameter, 0.1f, square, mean, velocity);
    CHECK(std::isfinite(parameter));
}

TEST_CASE("Adagrad starts from its initial sum and slows down") {
    ls::adagrad const optimizer{.learning_rate = 1.0, .rate_decay = 0.5, .epsilon = 0.0, .weight_decay = 0.0, .initial_sum = 5.0};
    double sum = 123.0;
    double const first = optimizer.rule_for<double>(0)(0.0, 2.0, sum);
    CHECK(first == doctest::Approx(-2.0 / 3.0));
    CHECK(sum == 9.0);
    CHECK(optimizer.rule_for<double>(1)(first, 4.0, sum) == doctest::Approx(first - 4.0 / 5.0 / 1.5));
}

TEST_CASE("AMSGrad never divides by less than before") {
    ls::amsgrad const optimizer{.learning_rate = 0.1, .beta1 = 0.0, .beta2 = 0.5};
    double mean = 0.0, square = 0.0, largest = 9.0;
    optimizer.rule_for<double>(0)(0.0, 8.0, mean, square, largest);
    CHECK(largest == 32.0);
    double const moved = optimizer.rule_for<double>(1)(0.0, 1e-3, mean, square, largest);
    CHECK(largest == 32.0);
    CHECK(square < 17.0);
    CHECK(moved == doctest::Approx(-0.1 * 1e-3 / std::sqrt(32.0 / 0.75)));
}

TEST_CASE("squares are added over fixed blocks, whatever their number") {
    CHECK(ls::detail::norm_blocks(1) == 1);
    CHECK(ls::detail::norm_blocks(ls::detail::norm_block) == 1);
    CHECK(ls::detail::norm_blocks(ls::detail::norm_block + 16) == 2);
    std::vector<float> values;
    double expected = 0.0;
    for (int i = 0; i < 48; ++i) {
        values.push_back(static_cast<float>(i - 20));
        expected += (i - 20) * (i - 20);
    }
    CHECK(ls::detail::sum_of_squares(std::span<float const>(values)) == expected);
}
