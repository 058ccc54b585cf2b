// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <lockstep/expression/math.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace math = lockstep::math;
using limits = std::numeric_limits<float>;

namespace {

constexpr float infinity = limits::infinity();
constexpr float not_a_number = limits::quiet_NaN();

// Each function as a type, so that a loop over it inlines it.
struct exp_function {
    static float value(float x) { return math::exp(x); }
    static double reference(double x) { return std::exp(x); }
};
struct log_function {
    static float value(float x) { return math::log(x); }
    static double reference(double x) { return std::log(x); }
};
struct tanh_function {
    static float value(float x) { return math::tanh(x); }
    static double reference(double x) { return std::tanh(x); }
};
struct sigmoid_function {
    static float value(float x) { return math::sigmoid(x); }
    static double reference(double x) { return 1 / (1 + std::exp(-x)); }
};
struct expm1_function {
    static float value(float x) { return math::expm1(x); }
    static double reference(double x) { return std::expm1(x); }
};
struct log1p_function {
    static float value(float x) { return math::log1p(x); }
    static double reference(double x) { return std::log1p(x); }
};
struct softplus_function {
    static float value(float x) { return math::softplus(x); }
    static double reference(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }
};
struct erf_function {
    static float value(float x) { return math::erf(x); }
    static double reference(double x) { return std::erf(x); }
};
struct sqrt_function {
    static float value(float x) { return math::sqrt(x); }
    static double reference(double x) { return std::sqrt(x); }
};
struct rsqrt_function {
    static float value(float x) { return math::rsqrt(x); }
    static double reference(double x) { return 1 / std::sqrt(x); }
};
#define EVERY_FUNCTION                                                                                         \
    exp_function, expm1_function, log_function, log1p_function, tanh_function, sigmoid_function,               \
        softplus_function, erf_function, sqrt_function, rsqrt_function

// Distance in units of the last place that a float near `expected` has; infinity counts as 2^128.
double error_in_ulp(float found, double expected) {
    if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) && std::isnan(found) ? 0 : 1e30;
    if (std::signbit(found) != std::signbit(expected)) return 1e30;
    auto const bounded = [](double x) { return std::clamp(x, -0x1p128, 0x1p128); };
    int exponent = 0;
    std::frexp(bounded(expected), &exponent);
    int const last_place = std::clamp(exponent - 24, -149, 104);
    return std::ldexp(std::abs(bounded(found) - bounded(expected)), -last_place);
}

// Every 4099th bit pattern (a prime, so that low bits vary), and where something changes.
std::vector<float> arguments() {
    std::vector<float> all{
        0.0f, -0.0f, 1.0f, -1.0f, infinity, -infinity, not_a_number, -not_a_number,
        limits::min(), -limits::min(), limits::max(), limits::lowest(), limits::denorm_min(),
        -limits::denorm_min(), 0.55f, -0.55f, 9.01f, -9.01f, 10.0f, -10.0f, 88.72283f, 88.72284f, 89.0f,
        -87.33654f, -87.33655f, -103.2789f, -103.9720f, -103.9721f, -105.0f, 0.70710677f, 0.70710678f,
        -0.2928932f, 0.4142135f, -0.99999994f, -1.0000001f, 3.9192059f, 4.0f, -17.32868f, -18.0f, 20.0f,
        20.000002f};
    for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += 4099)
        all.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    return all;
}

} // namespace

TEST_CASE_TEMPLATE("math: errors stay within two units in the last place", Function, EVERY_FUNCTION) {
    double worst = 0;
    float where = 0;
    for (float x : arguments())
        if (double const error = error_in_ulp(Function::value(x), Function::reference(x)); error > worst) {
            worst = error;
            where = x;
        }
    CAPTURE(where);
    CHECK(worst <= 2.0);
    CHECK(worst > 0.49); // the comparison above compares something; correct rounding is off by up to 0.5
}

TEST_CASE_TEMPLATE("math: a vectorized loop gives the bits of a call", Function, EVERY_FUNCTION) {
    auto inputs = arguments();
    inputs.resize(inputs.size() / 64 * 64);
    std::vector<float> outputs(inputs.size());
    for (std::size_t first = 0; first < inputs.size(); first += 64) {
        float const* const from = inputs.data() + first;
        float block[64];
        for (int i = 0; i < 64; ++i) block[i] = Function::value(from[i]);
        std::copy_n(block, 64, outputs.data() + first);
    }
    // A pointer that the compiler must read anew keeps these calls out of vectors.
    float (*volatile call)(float) = &Function::value;
    std::size_t differing = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        float const alone = call(inputs[i]);
        bool const same = std::bit_cast<std::uint32_t>(alone) == std::bit_cast<std::uint32_t>(outputs[i]);
        differing += !same && !(std::isnan(alone) && std::isnan(outputs[i]));
    }
    CHECK(differing == 0);
}

TEST_CASE("math: exact results") {
    CHECK(math::exp(0.0f) == 1.0f);
    CHECK(math::exp(-0.0f) == 1.0f);
    CHECK(math::exp(infinity) == infinity);
    CHECK(math::exp(limits::max()) == infinity);
    CHECK(math::exp(-infinity) == 0.0f);
    CHECK(math::exp(-103.2789f) == limits::denorm_min());
    CHECK(std::isnan(math::exp(not_a_number)));

    CHECK(math::log(1.0f) == 0.0f);
    CHECK_FALSE(std::signbit(math::log(1.0f)));
    CHECK(math::log(0.0f) == -infinity);
    CHECK(math::log(-0.0f) == -infinity);
    CHECK(math::log(infinity) == infinity);
    CHECK(std::isnan(math::log(-limits::denorm_min())));
    CHECK(std::isnan(math::log(-infinity)));
    CHECK(std::isnan(math::log(not_a_number)));

    CHECK(math::expm1(infinity) == infinity);
    CHECK(math::expm1(limits::max()) == infinity);
    CHECK(math::expm1(-infinity) == -1.0f);
    CHECK(math::expm1(limits::lowest()) == -1.0f);
    CHECK(math::expm1(-limits::denorm_min()) == -limits::denorm_min());
    CHECK(math::expm1(0.0f) == 0.0f);
    CHECK_FALSE(std::signbit(math::expm1(0.0f)));
    CHECK(std::signbit(math::expm1(-0.0f)));
    CHECK(std::isnan(math::expm1(not_a_number)));

    CHECK(math::log1p(-1.0f) == -infinity);
    CHECK(math::log1p(infinity) == infinity);
    CHECK(math::log1p(-limits::denorm_min()) == -limits::denorm_min());
    CHECK(math::log1p(0.0f) == 0.0f);
    CHECK_FALSE(std::signbit(math::log1p(0.0f)));
    CHECK(std::signbit(math::log1p(-0.0f)));
    CHECK(std::isnan(math::log1p(-1.0000001f)));
    CHECK(std::isnan(math::log1p(-infinity)));
    CHECK(std::isnan(math::log1p(not_a_number)));

    CHECK(math::softplus(infinity) == infinity);
    CHECK(math::softplus(1e4f) == 1e4f);
    CHECK(math::softplus(-infinity) == 0.0f);
    CHECK(math::softplus(-100.0f) > 0.0f);
    CHECK(std::isnan(math::softplus(not_a_number)));

    CHECK(math::erf(infinity) == 1.0f);
    CHECK(math::erf(-infinity) == -1.0f);
    CHECK(math::erf(limits::denorm_min()) == limits::denorm_min());
    CHECK(math::erf(0.0f) == 0.0f);
    CHECK_FALSE(std::signbit(math::erf(0.0f)));
    CHECK(std::signbit(math::erf(-0.0f)));
    CHECK(std::isnan(math::erf(not_a_number)));

    CHECK(math::rsqrt(infinity) == 0.0f);
    CHECK(math::rsqrt(0.0f) == infinity);
    CHECK(math::rsqrt(-0.0f) == -infinity);
    CHECK(math::rsqrt(4.0f) == 0.5f);
    CHECK(std::isnan(math::rsqrt(-1.0f)));
    CHECK(std::isnan(math::rsqrt(not_a_number)));

    CHECK(math::tanh(infinity) == 1.0f);
    CHECK(math::tanh(-infinity) == -1.0f);
    CHECK(math::tanh(limits::denorm_min()) == limits::denorm_min());
    CHECK(math::tanh(0.0f) == 0.0f);
    CHECK_FALSE(std::signbit(math::tanh(0.0f)));
    CHECK(std::signbit(math::tanh(-0.0f)));
    CHECK(std::isnan(math::tanh(not_a_number)));

    CHECK(math::sigmoid(0.0f) == 0.5f);
    CHECK(math::sigmoid(-0.0f) == 0.5f);
    CHECK(math::sigmoid(infinity) == 1.0f);
    CHECK(math::sigmoid(-infinity) == 0.0f);
    CHECK(math::sigmoid(-100.0f) > 0.0f);
    CHECK(std::isnan(math::sigmoid(not_a_number)));
}

TEST_CASE("math: square roots are rounded correctly") {
    std::size_t differing = 0;
    for (float x : arguments()) {
        float const found = math::sqrt(x), expected = std::sqrt(x);
        bool const same = std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(expected);
        differing += !same && !(std::isnan(found) && std::isnan(expected));
    }
    CHECK(differing == 0);
}

TEST_CASE("math: usable in constant expressions") {
    static_assert(math::exp(0.0f) == 1.0f);
    static_assert(math::log(1.0f) == 0.0f);
    static_assert(math::tanh(20.0f) == 1.0f);
    static_assert(math::sigmoid(0.0f) == 0.5f);
    static_assert(math::expm1(0.0f) == 0.0f);
    static_assert(math::log1p(0.0f) == 0.0f);
    static_assert(math::softplus(21.0f) == 21.0f);
    static_assert(math::erf(4.0f) == 1.0f);
    static_assert(math::sqrt(2.25f) == 1.5f);
    CHECK(math::exp(1.0) == std::exp(1.0));
    CHECK(math::softplus(800.0) == 800.0);
    CHECK(math::sigmoid(-800.0) == 0.0);
    CHECK(math::sigmoid(0.0) == 0.5);
}
