// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

/// The transcendental functions of elementwise expressions. Those of libm set errno and branch, so a loop
/// over them does not vectorize unless its user compiles with -ffast-math. These have neither branch, table
/// nor call: what differs between arguments is selected between constants or finished values, which
/// compilers turn into a blend also where an arithmetic operation may trap. The float versions are right for
/// denormals, infinities, NaN and -0; their errors were measured over all 2^32 floats against double,
/// with and without fused multiply-add. The double versions are those of libm.
namespace lockstep::math {

namespace detail {

/// condition ? a : b without a branch: compilers move what only one side needs behind a real one.
constexpr float select(bool condition, float a, float b) {
    std::uint32_t const mask = 0u - static_cast<std::uint32_t>(condition);
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(a) & mask) |
                                (std::bit_cast<std::uint32_t>(b) & ~mask));
}

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

/// 2^exponent for -126 <= exponent <= 127.
constexpr float power_of_two(std::uint32_t exponent) {
    return std::bit_cast<float>((exponent + 127u) << 23);
}

constexpr float magnitude(float x) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
}

constexpr float with_sign_of(float magnitude, float sign) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) |
                                (std::bit_cast<std::uint32_t>(sign) & 0x80000000u));
}

} // namespace detail

/// e^x. Error at most 1.04 ulp.
constexpr float exp(float x) {
    // Beyond these bounds the result is 0 or infinity anyway; NaN passes both comparisons.
    x = detail::select(x > 89.0f, 89.0f, x);
    x = detail::select(x < -105.0f, -105.0f, x);
    auto const [n, fraction] = detail::split_exp(x);
    // 2^n in two factors, as n may be 128 or, for denormal results, down to -151: only the second rounds.
    auto const half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
    return (fraction + 1.0f) * detail::power_of_two(half) * detail::power_of_two(n - half);
}

/// Natural logarithm; -infinity at 0 and -0, NaN below. Error at most 0.91 ulp.
constexpr float log(float x) {
    using limits = std::numeric_limits<float>;
    // What is added in the end: 0, unless x has no finite logarithm.
    float special = detail::select(x < limits::infinity(), 0.0f, limits::infinity());
    special = detail::select(x == 0.0f, -limits::infinity(), special);
    special = detail::select(x >= 0.0f, special, limits::quiet_NaN());

    bool const tiny = x < limits::min();
    std::uint32_t const bits = std::bit_cast<std::uint32_t>(detail::select(tiny, x * 0x1p23f, x));
    // x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    constexpr std::uint32_t sqrt_half = 0x3f3504f3u;
    auto const shift = static_cast<std::int32_t>(bits - sqrt_half) >> 23;
    float const n = static_cast<float>(shift - 23 * tiny);
    float const f = std::bit_cast<float>(bits - (static_cast<std::uint32_t>(shift) << 23)) - 1.0f;
    // Minimax polynomial for (log(1 + f) - f + f^2 / 2) / f^3, error 2^-27 relative to log(1 + f).
    float q = -0x1.39219cp-4f;
    q = q * f + 0x1.057278p-3f;
    q = q * f - 0x1.0d7cccp-3f;
    q = q * f + 0x1.22d684p-3f;
    q = q * f - 0x1.5472b4p-3f;
    q = q * f + 0x1.99a032p-3f;
    q = q * f - 0x1.000226p-2f;
    q = q * f + 0x1.555554p-2f;
    float const square = f * f;
    float const tail = square * f * q - 0.5f * square + n * 0x1.7f7d1cp-20f;
    return (tail + f) + n * 0x1.62e4p-1f + special;
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
    auto const [n, fraction] = detail::split_exp(-2.0f * detail::select(a > 10.0f, 10.0f, a));
    float const e = (fraction + 1.0f) * detail::power_of_two(n);
    float const far = 1.0f - 2.0f * (e / (1.0f + e));
    return detail::with_sign_of(detail::select(a < 0.55f, near, far), x);
}

/// Logistic function 1 / (1 + e^-x). Error at most 1.87 ulp.
constexpr float sigmoid(float x) {
    // e^-|x| cannot overflow, and left of 0 it is the numerator, so that small results stay precise.
    float const e = exp(-detail::magnitude(x));
    float const numerator = detail::select(x < 0.0f, e, 1.0f);
    // For 1 / (1 + e) = 1 - e / (1 + e), whose second term is small where the first is exact.
    return numerator - numerator * (e / (1.0f + e));
}

inline double exp(double x) { return std::exp(x); }
inline double log(double x) { return std::log(x); }
inline double tanh(double x) { return std::tanh(x); }

/// Logistic function 1 / (1 + e^-x).
inline double sigmoid(double x) {
    double const e = std::exp(-std::abs(x));
    return (x < 0 ? e : 1.0) / (1.0 + e);
}

} // namespace lockstep::math
