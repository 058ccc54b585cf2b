// SPDX-License-Identifier: MIT
// Elementwise functions and activations where numbers end: zeros, kinks, 1e4, infinities, NaN. PyTorch's results
// are expected.
#include "evaluate.hpp"

#include <lockstep/expression/gradient.hpp>
#include <lockstep/layer/activation.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using namespace tests;
using ls::number;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

bool same(double found, double expected) {
    return found == expected || (std::isnan(found) && std::isnan(expected));
}

template <class T>
double slope(auto e, double x, double w = 0) {
    return evaluate(ls::backward<x_tag>(e, number<1.0>), static_cast<T>(x), static_cast<T>(w));
}
template <class T>
double slope_of_second(auto e, double x, double w) {
    return evaluate(ls::backward<w_tag>(e, number<1.0>), static_cast<T>(x), static_cast<T>(w));
}

/// An activation's values at -infinity, -1e4, 1e4 and infinity, and its slopes at -1e4 and 1e4.
struct far_from_zero {
    double at_minus_infinity, at_minus_1e4, at_1e4, at_infinity, slope_at_minus_1e4, slope_at_1e4;
};

template <class T>
void check_far(auto activation, far_from_zero expected) {
    auto const at = [&](double x) { return static_cast<double>(evaluate(activation(u), static_cast<T>(x))); };
    CHECK(same(at(-infinity), expected.at_minus_infinity));
    CHECK(same(at(infinity), expected.at_infinity));
    CHECK(at(-1e4) == doctest::Approx(expected.at_minus_1e4));
    CHECK(at(1e4) == doctest::Approx(expected.at_1e4));
    CHECK(slope<T>(activation(u), -1e4) == doctest::Approx(expected.slope_at_minus_1e4));
    CHECK(slope<T>(activation(u), 1e4) == doctest::Approx(expected.slope_at_1e4));
    CHECK(std::isnan(at(not_a_number)));
}

/// Values and slopes in float against those in double, to a few units in the last place of the larger of x and y:
/// x Phi(x) and its like lose digits left of 0, in PyTorch too.
void check_float(auto activation) {
    double worst = 0;
    for (int step = -1280; step < 1280; ++step) {
        float const x = (static_cast<float>(step) + 0.5f) / 64;
        double const magnitude = std::abs(x), y = evaluate(activation(u), static_cast<double>(x));
        double const error = std::abs(evaluate(activation(u), x) - y);
        double const slope_error = std::abs(slope<float>(activation(u), x) - slope<double>(activation(u), x));
        worst = std::max({worst, error / (magnitude + std::abs(y)), slope_error / (magnitude + 1)});
    }
    CHECK(worst < 4 * std::numeric_limits<float>::epsilon());
}

void check_activation(auto activation, far_from_zero expected) {
    check_far<float>(activation, expected);
    check_far<double>(activation, expected);
    check_float(activation);
}

} // namespace

TEST_CASE("activations far from zero and in float") {
    SUBCASE("relu") { check_activation(ls::relu{}, {0, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("relu6") { check_activation(ls::relu6{}, {0, 0, 6, 6, 0, 0}); }
    SUBCASE("leaky_relu") { check_activation(ls::leaky_relu<>{}, {-infinity, -100, 1e4, infinity, 0.01, 1}); }
    SUBCASE("elu") { check_activation(ls::elu<>{}, {-1, -1, 1e4, infinity, 0, 1}); }
    SUBCASE("elu of another alpha") { check_activation(ls::elu<0.5>{}, {-0.5, -0.5, 1e4, infinity, 0, 1}); }
    SUBCASE("gelu") { check_activation(ls::gelu{}, {not_a_number, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("gelu_tanh") { check_activation(ls::gelu_tanh{}, {not_a_number, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("sigmoid") { check_activation(ls::sigmoid{}, {0, 0, 1, 1, 0, 0}); }
    SUBCASE("tanh") { check_activation(ls::tanh{}, {-1, -1, 1, 1, 0, 0}); }
    SUBCASE("silu") { check_activation(ls::silu{}, {not_a_number, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("softplus") { check_activation(ls::softplus{}, {0, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("mish") { check_activation(ls::mish{}, {not_a_number, 0, 1e4, infinity, 0, 1}); }
    SUBCASE("hardsigmoid") { check_activation(ls::hardsigmoid{}, {0, 0, 1, 1, 0, 0}); }
    SUBCASE("hardswish") { check_activation(ls::hardswish{}, {not_a_number, 0, 1e4, infinity, 0, 1}); }
}

TEST_CASE("slopes at kinks are PyTorch's") {
    CHECK(slope<double>(ls::relu{}(u), 0) == 0);
    CHECK(slope<double>(ls::relu{}(u), -0.0) == 0);
    CHECK(slope<double>(ls::relu{}(u), not_a_number) == 1);
    CHECK(slope<double>(ls::relu6{}(u), 0) == 0);
    CHECK(slope<double>(ls::relu6{}(u), 6) == 0);
    CHECK(slope<double>(ls::leaky_relu<0.25>{}(u), 0) == 0.25);
    CHECK(slope<double>(ls::elu<0.25>{}(u), 0) == 0.25);
    CHECK(slope<double>(ls::hardsigmoid{}(u), -3) == 0);
    CHECK(slope<double>(ls::hardsigmoid{}(u), 3) == 0);
    CHECK(slope<double>(ls::hardswish{}(u), -3) == -0.5);
    CHECK(slope<double>(ls::hardswish{}(u), 3) == 1.5);
    CHECK(slope<double>(ls::softplus{}(u), 20) == doctest::Approx(1.0));

    CHECK(slope<double>(abs(u), 0) == 0);
    CHECK(slope<double>(sqrt(u), 0) == infinity);
    CHECK(slope<double>(log(u), 0) == infinity);
    CHECK(slope<double>(maximum(u, v), 2, 2) == 0.5);
    CHECK(slope_of_second<double>(maximum(u, v), 2, 2) == 0.5);
    CHECK(slope<double>(minimum(u, v), 2, 2) == 0.5);
    CHECK(slope_of_second<double>(minimum(u, v), 2, 2) == 0.5);

    auto const bounded = clamp(u, number<-1.0>, number<2.0>);
    CHECK(slope<double>(bounded, -1) == 1);
    CHECK(slope<double>(bounded, 2) == 1);
    CHECK(slope<double>(bounded, 2.5) == 0);
    CHECK(slope_of_second<double>(clamp(u, v, number<2.0>), 1, 1) == 0);
    CHECK(slope_of_second<double>(clamp(u, v, number<2.0>), 1, 1.5) == 1);
    CHECK(slope_of_second<double>(clamp(u, number<2.0>, v), 3, 1.5) == 1);

    // Where the formulas give 0 times infinity.
    CHECK(slope<double>(pow(u, number<0.0>), 0) == 0);
    CHECK(slope<double>(pow(u, number<2.0>), 0) == 0);
    CHECK(slope_of_second<double>(pow(u, v), 0, 0) == 0);
    CHECK(slope_of_second<double>(pow(u, v), 0, 3) == 0);
    CHECK(std::isnan(slope_of_second<double>(pow(u, v), -1, 3)));
}

TEST_CASE_TEMPLATE("functions that select and compare", T, float, double) {
    auto const of = [](auto e, double x, double w = 0) {
        return static_cast<double>(evaluate(e, static_cast<T>(x), static_cast<T>(w)));
    };
    CHECK(of(less(u, v), 1, 2) == 1);
    CHECK(of(less(u, v), 2, 2) == 0);
    CHECK(of(less_equal(u, v), 2, 2) == 1);
    CHECK(of(less_equal(u, v), 3, 2) == 0);
    CHECK(of(greater(u, v), 2, 2) == 0);
    CHECK(of(greater(u, v), infinity, 2) == 1);
    CHECK(of(greater_equal(u, v), 2, 2) == 1);
    CHECK(of(greater_equal(u, v), 1, 2) == 0);
    CHECK(of(equal(u, v), -0.0, 0) == 1);
    CHECK(of(equal(u, v), 1, 2) == 0);
    CHECK(of(not_equal(u, v), 1, 2) == 1);
    CHECK(of(not_equal(u, v), 2, 2) == 0);
    // Of NaN only this one holds.
    CHECK(of(not_equal(u, u), not_a_number) == 1);
    CHECK(of(equal(u, u), not_a_number) == 0);
    CHECK(of(less(u, v), not_a_number) + of(less_equal(u, v), not_a_number) == 0);
    CHECK(of(greater(u, v), not_a_number) + of(greater_equal(u, v), not_a_number) == 0);

    CHECK(of(minimum(u, v), 1, -infinity) == -infinity);
    CHECK(of(maximum(u, v), 1, -infinity) == 1);
    for (double other : {1.0, infinity, -infinity}) {
        CHECK(std::isnan(of(minimum(u, v), not_a_number, other)));
        CHECK(std::isnan(of(minimum(u, v), other, not_a_number)));
        CHECK(std::isnan(of(maximum(u, v), not_a_number, other)));
        CHECK(std::isnan(of(maximum(u, v), other, not_a_number)));
    }
    CHECK(of(clamp(u, number<-1.0>, number<2.0>), -infinity) == -1);
    CHECK(of(clamp(u, number<-1.0>, number<2.0>), infinity) == 2);
    CHECK(of(clamp(u, number<-1.0>, number<2.0>), 0.5) == 0.5);
    CHECK(of(clamp(u, number<2.0>, number<-1.0>), 0.5) == -1);
    CHECK(std::isnan(of(clamp(u, number<-1.0>, number<2.0>), not_a_number)));
    CHECK(of(where(u, v, number<3.0>), not_a_number, 2) == 2);
    CHECK(of(where(u, v, number<3.0>), -0.0, 2) == 3);
    // What is not chosen does not count, whatever it is.
    CHECK(of(where(less(u, v), u, v / u), 0, 2) == 0);

    CHECK(of(abs(u), -infinity) == infinity);
    CHECK_FALSE(std::signbit(of(abs(u), -0.0)));
    CHECK(std::isnan(of(abs(u), not_a_number)));
    CHECK(of(sign(u), -infinity) == -1);
    CHECK(of(sign(u), 1e-30) == 1);
    CHECK(of(sign(u), -0.0) == 0);
    CHECK(of(sign(u), not_a_number) == 0);
    CHECK(of(stop_gradient(u), -infinity) == -infinity);
}

TEST_CASE_TEMPLATE("functions of libm and of arithmetic", T, float, double) {
    auto const of = [](auto e, double x, double w = 0) {
        return static_cast<double>(evaluate(e, static_cast<T>(x), static_cast<T>(w)));
    };
    for (double x : {-0.0, 0.5, 1e4, infinity, -infinity, not_a_number}) {
        CAPTURE(x);
        auto const argument = static_cast<T>(x);
        CHECK(same(of(sin(u), x), std::sin(argument)));
        CHECK(same(of(cos(u), x), std::cos(argument)));
        CHECK(same(of(square(u), x), argument * argument));
        for (double w : {-0.5, 0.0, 2.0, infinity, -infinity, not_a_number})
            CHECK(same(of(pow(u, v), x, w), std::pow(argument, static_cast<T>(w))));
    }
    CHECK(of(u / v, -1, 0) == -infinity);
    CHECK(std::isnan(of(u / v, 0, 0)));
    // sqrt, rsqrt, exp, expm1, log, log1p, erf: in math.cpp.
    CHECK(of(sqrt(u), 6.25) == 2.5);
    CHECK(of(rsqrt(u), 6.25) == doctest::Approx(0.4));
    CHECK(of(exp(u), 1) == doctest::Approx(std::exp(1.0)));
    CHECK(of(expm1(u), 1) == doctest::Approx(std::expm1(1.0)));
    CHECK(of(log(u), 3) == doctest::Approx(std::log(3.0)));
    CHECK(of(log1p(u), 3) == doctest::Approx(std::log1p(3.0)));
    CHECK(of(erf(u), 0.7) == doctest::Approx(std::erf(0.7)));
}
