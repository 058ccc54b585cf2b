// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/bits.hpp>
#include <lockstep/host_device.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

namespace lockstep::math {

namespace detail {

/// e^x = 2^exponent (1 + fraction), with fraction in [-0.293, 0.415].
struct split_exponential {
    std::uint32_t exponent; ///< two's complement
    float fraction;
};

/// For |x| <= 2^15; NaN gives a NaN fraction. Cody and Waite's reduction x = n ln 2 + r, then a minimax
/// polynomial for (expm1(r) - r) / r^2, its error 2^-26 relative to e^r - 1.
constexpr split_exponential split_exp(float x) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    constexpr float round = 12582912.0f;
    float const shifted = x * 1.44269504f + round;
    float const n = shifted - round;
    float const r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f; // n * 0x1.62e4p-1 is exact for |n| < 2^9
    float q = 0x1.6ab2bep-10f;
    q = q * r + 0x1.122c86p-7f;
    q = q * r + 0x1.55579ep-5f;
    q = q * r + 0x1.5554aap-3f;
    q = q * r + 0x1.fffffep-2f;
    return {std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(round), r * r * q + r};
}

/// e^x for -87 <= x <= 88, where 2^exponent is a float.
constexpr float exp_in_range(float x) {
    auto const [n, fraction] = split_exp(x);
    return (fraction + 1.0f) * power_of_two(n);
}

} // namespace detail

/// e^x. Error at most 1.04 ulp.
constexpr float exp(float x) {
    // Beyond these bounds the result is 0 or infinity anyway; NaN passes both comparisons.
    x = select(x > 89.0f, 89.0f, x);
    x = select(x < -105.0f, -105.0f, x);
    auto const [n, fraction] = detail::split_exp(x);
    // 2^n in two factors, as n may be 128 or, for denormal results, down to -151: only the second rounds.
    auto const half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
    return (fraction + 1.0f) * detail::power_of_two(half) * detail::power_of_two(n - half);
}

/// e^x - 1, precise also where e^x is near 1. Error at most 1.67 ulp.
constexpr float expm1(float x) {
    // From -18 down the result is -1.
    float const bounded = select(x < -18.0f, -18.0f, select(x > 89.0f, 89.0f, x));
    auto const [n, fraction] = detail::split_exp(bounded);
    // 2^n (1 + fraction) - 1 with 2^n in two factors, as n may be 128.
    auto const half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
    float const first = detail::power_of_two(half);
    float const rest = first - detail::power_of_two(half - n);
    return detail::with_sign_of((fraction * first + rest) * detail::power_of_two(n - half), x);
}

/// Hyperbolic tangent. Error at most 1.53 ulp.
constexpr float tanh(float x) {
    float const a = detail::magnitude(x);
    // Near 0 the minimax polynomial for (tanh(a) - a) / a^3 in a^2, its error 2^-29 relative to tanh(a) / a.
    float const square = a * a;
    float p = -0x1.9921bep-8f;
    p = p * square + 0x1.58e51ap-6f;
    p = p * square - 0x1.b91e7ep-5f;
    p = p * square + 0x1.110ceep-3f;
    p = p * square - 0x1.55554ap-2f;
    float const near = a * square * p + a;
    // Elsewhere 1 - 2 e / (1 + e) with e = e^(-2 a), which is 1 from 9.02 on.
    float const e = detail::exp_in_range(-2.0f * select(a > 10.0f, 10.0f, a));
    float const far = 1.0f - 2.0f * (e / (1.0f + e));
    return detail::with_sign_of(select(a < 0.55f, near, far), x);
}

/// Logistic function 1 / (1 + e^-x). Error at most 1.87 ulp.
constexpr float sigmoid(float x) {
    // e^-|x| cannot overflow, and left of 0 it is the numerator, so that small results stay precise.
    float const e = exp(-detail::magnitude(x));
    float const numerator = select(x < 0.0f, e, 1.0f);
    // For 1 / (1 + e) = 1 - e / (1 + e), whose second term is small where the first is exact.
    return numerator - numerator * (e / (1.0f + e));
}

LOCKSTEP_HOST_DEVICE inline double exp(double x) { return std::exp(x); }
LOCKSTEP_HOST_DEVICE inline double expm1(double x) { return std::expm1(x); }
LOCKSTEP_HOST_DEVICE inline double tanh(double x) { return std::tanh(x); }

/// Logistic function 1 / (1 + e^-x).
LOCKSTEP_HOST_DEVICE inline double sigmoid(double x) {
    double const e = std::exp(-std::abs(x));
    return (x < 0 ? e : 1.0) / (1.0 + e);
}

} // namespace lockstep::math
