// SPDX-License-Identifier: MIT
#include "moments.hpp"

#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/orthogonal.hpp>

#include <doctest/doctest.h>

#include <numbers>
#include <string>

namespace {

using namespace tests;
namespace initializer = ls::initializer;
using initializer::fan;

/// 100,000 elements: the mean's error is about 0.003 deviations, the deviation's 0.2 %.
ls::extents const large = shape_of({500, 200});
/// Fan in 2 * 15 = 30, fan out 4000 * 15 = 60000.
ls::extents const convolution = shape_of({4000, 2, 3, 5});

void check_uniform(std::vector<double> const& values, double low, double high) {
    moments const found(values);
    double const width = high - low;
    CHECK(std::abs(found.mean - (low + high) / 2) < 0.005 * width);
    CHECK(std::abs(found.deviation - width / std::sqrt(12.0)) < 0.005 * width);
    CHECK(found.kurtosis == doctest::Approx(1.8).epsilon(0.02));
    CHECK(found.smallest >= low);
    CHECK(found.smallest < low + 0.001 * width);
    CHECK(found.largest < high);
    CHECK(found.largest > high - 0.001 * width);
}

void check_normal(std::vector<double> const& values, double mean, double deviation) {
    moments const found(values);
    CHECK(std::abs(found.mean - mean) < 0.015 * deviation);
    CHECK(found.deviation == doctest::Approx(deviation).epsilon(0.01));
    CHECK(found.kurtosis == doctest::Approx(3.0).epsilon(0.04));
    CHECK(found.largest > mean + 3.5 * deviation);
}

} // namespace

TEST_CASE("constants") {
    for (double const value : filled<initializer::zeros>(shape_of({3}))) CHECK(value == 0.0);
    for (double const value : filled<initializer::ones>(shape_of({3}))) CHECK(value == 1.0);
    for (double const value : filled<initializer::constant<-2.5>>(shape_of({3}))) CHECK(value == -2.5);
}

TEST_CASE("uniform and normal numbers have their moments and ends") {
    check_uniform(filled<initializer::uniform<>>(large), 0.0, 1.0);
    check_uniform(filled<initializer::uniform<-3.0, 1.0>>(large), -3.0, 1.0);
    check_uniform(filled<initializer::fan_in_uniform<25>>(large), -0.2, 0.2);
    check_normal(filled<initializer::normal<>>(large), 0.0, 1.0);
    check_normal(filled<initializer::normal<5.0, 0.1>>(large), 5.0, 0.1);
    CHECK(filled<initializer::normal<5.0, 0.0>>(shape_of({2})) == std::vector{5.0, 5.0});
}

TEST_CASE("truncated normal numbers stay within their bounds") {
    // Variance of the standard normal distribution within [-2, 2]: 1 - 4 phi(2) / (Phi(2) - Phi(-2)).
    moments const symmetric(filled<initializer::truncated_normal<>>(large));
    CHECK(std::abs(symmetric.mean) < 0.01);
    CHECK(symmetric.deviation == doctest::Approx(0.87963).epsilon(0.01));
    CHECK(symmetric.smallest >= -2.0);
    CHECK(symmetric.smallest < -1.99);
    CHECK(symmetric.largest <= 2.0);
    CHECK(symmetric.largest > 1.99);

    // Bounds are values: [0, 0.03] around 0 with deviation 0.02 is half of a bell. Its mean is
    // 0.02 (phi(0) - phi(1.5)) / (Phi(1.5) - Phi(0)).
    moments const half(filled<initializer::truncated_normal<0.0, 0.02, 0.0, 0.03>>(large));
    CHECK(half.mean == doctest::Approx(0.012428).epsilon(0.01));
    CHECK(half.smallest >= 0.0);
    CHECK(half.largest <= 0.03);
}

TEST_CASE("quantiles invert the normal distribution") {
    for (double x = -8.0; x < 4.0; x += 0.037)
        CHECK(std::abs(ls::normal_quantile(ls::normal_distribution(x)) - x) <= (x < 0.5 ? 1e-14 : 1e-11));
    CHECK(ls::normal_quantile(0.5) == 0.0);
    CHECK(ls::normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-15));
    CHECK(ls::normal_quantile(0.0) == -HUGE_VAL);
    CHECK(ls::normal_quantile(1.0) == HUGE_VAL);
}

TEST_CASE("fans are PyTorch's") {
    auto const both = initializer::fans_of(convolution);
    CHECK(both.in == 30.0);
    CHECK(both.out == 60000.0);
    try {
        filled<initializer::kaiming_normal<>>(shape_of({8}));
        FAIL("a bias has no fans");
    } catch (ls::usage_error const& error) {
        CHECK(std::string(error.what()) == "initializer: fan in and fan out need a parameter of at least two axes, found 1");
    }
}

TEST_CASE("gains are PyTorch's") {
    CHECK(ls::gain::relu == doctest::Approx(std::numbers::sqrt2).epsilon(1e-15));
    CHECK(ls::gain::leaky_relu(0.0) == ls::gain::relu);
    CHECK(ls::gain::leaky_relu(std::sqrt(5.0)) == doctest::Approx(std::sqrt(1.0 / 3.0)).epsilon(1e-15));
    CHECK(ls::gain::leaky_relu(30.0) == doctest::Approx(std::sqrt(2.0 / 901.0)).epsilon(1e-15));
    CHECK(ls::gain::tanh == doctest::Approx(5.0 / 3.0));
}

TEST_CASE("xavier and kaiming spread by the fans") {
    double const xavier = std::sqrt(2.0 / 60030.0);
    check_uniform(filled<initializer::xavier_uniform<>>(convolution), -std::sqrt(3.0) * xavier, std::sqrt(3.0) * xavier);
    check_normal(filled<initializer::xavier_normal<ls::gain::tanh>>(convolution), 0.0, 5.0 / 3.0 * xavier);
    check_uniform(filled<initializer::kaiming_uniform<>>(convolution), -std::sqrt(6.0 / 30.0), std::sqrt(6.0 / 30.0));
    check_normal(filled<initializer::kaiming_normal<>>(convolution), 0.0, std::sqrt(2.0 / 30.0));
    check_normal(filled<initializer::kaiming_normal<fan::out, ls::gain::linear>>(convolution), 0.0, std::sqrt(1.0 / 60000.0));
    // With the slope sqrt(5) it is what layers start with, to the bit or nearly.
    auto const general = filled<initializer::kaiming_uniform<fan::in, ls::gain::leaky_relu(2.23606797749979)>>(convolution);
    auto const usual = filled<initializer::fan_in_uniform<30>>(convolution);
    for (std::size_t i = 0; i < 100; ++i) CHECK(general[i] == doctest::Approx(usual[i]).epsilon(1e-14));
}

TEST_CASE("orthogonal weights have orthonormal rows, or columns where these are fewer") {
    auto check = [](ls::extents const& shape, double gain, std::vector<double> const& values) {
        auto const rows = static_cast<std::size_t>(shape.extent[0]), columns = values.size() / rows;
        bool const by_rows = rows <= columns;
        std::size_t const vectors = by_rows ? rows : columns, size = by_rows ? columns : rows;
        auto element = [&](std::size_t vector, std::size_t i) {
            return by_rows ? values[vector * columns + i] : values[i * columns + vector];
        };
        double worst = 0.0;
        for (std::size_t a = 0; a < vectors; ++a)
            for (std::size_t b = 0; b <= a; ++b) {
                double product = 0.0;
                for (std::size_t i = 0; i < size; ++i) product += element(a, i) * element(b, i);
                worst = std::max(worst, std::abs(product - (a == b ? gain * gain : 0.0)));
            }
        CHECK(worst < 1e-13);
    };
    for (auto const& shape : {shape_of({20, 50}), shape_of({50, 20}), shape_of({40, 40}), shape_of({8, 3, 3, 3}),
                              shape_of({64, 2, 3, 3}), shape_of({1, 5}), shape_of({5, 1}), shape_of({1, 1})}) {
        check(shape, 1.0, filled<initializer::orthogonal<>>(shape));
        check(shape, ls::gain::relu, filled<initializer::orthogonal<ls::gain::relu>>(shape));
    }
    CHECK_THROWS_AS(filled<initializer::orthogonal<>>(shape_of({5})), ls::usage_error);
    // A matrix of one element is 1 or -1, each for half of all keys.
    int positive = 0;
    for (int parameter = 0; parameter < 400; ++parameter) {
        double const value = filled<initializer::orthogonal<>>(shape_of({1, 1}), parameter)[0];
        CHECK(std::abs(value) == 1.0);
        positive += value > 0.0;
    }
    CHECK(std::abs(positive - 200) < 60);
}

TEST_CASE("a parameter's numbers are its own, and the same each time") {
    CHECK(filled<initializer::normal<>>(large, 1) == filled<initializer::normal<>>(large, 1));
    CHECK(filled<initializer::normal<>>(large, 1) != filled<initializer::normal<>>(large, 2));
}
