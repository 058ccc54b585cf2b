// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/bits.hpp>
#include <lockstep/expression/math/exponential.hpp>
#include <lockstep/host_device.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lockstep::math {

namespace detail {

/// The n for which x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), x a positive normal number.
constexpr std::int32_t nearest_power_of_two(float x) {
    constexpr std::uint32_t sqrt_half = 0x3f3504f3u;
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x) - sqrt_half) >> 23;
}

/// x / 2^n for results that are normal numbers.
constexpr float divided_by_power_of_two(float x, std::int32_t n) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) - (static_cast<std::uint32_t>(n) << 23));
}

/// log(2^n (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)).
constexpr float log_of_split(float n, float f) {
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
    return (tail + f) + n * 0x1.62e4p-1f;
}

/// What is added to a logarithm in the end: 0, unless x has no finite one.
constexpr float log_beyond_range(float x) {
    using limits = std::numeric_limits<float>;
    float special = select(x < limits::infinity(), 0.0f, limits::infinity());
    special = select(x == 0.0f, -limits::infinity(), special);
    return select(x >= 0.0f, special, limits::quiet_NaN());
}

} // namespace detail

/// Natural logarithm; -infinity at 0 and -0, NaN below. Error at most 0.91 ulp.
constexpr float log(float x) {
    bool const tiny = x < std::numeric_limits<float>::min();
    float const normal = select(tiny, x * 0x1p23f, x);
    std::int32_t const n = detail::nearest_power_of_two(normal);
    float const f = detail::divided_by_power_of_two(normal, n) - 1.0f;
    return detail::log_of_split(static_cast<float>(n - 23 * tiny), f) + detail::log_beyond_range(x);
}

/// log(1 + x), precise also where 1 + x is near 1; -infinity at -1, NaN below. Error at most 1.48 ulp.
constexpr float log1p(float x) {
    float const sum = 1.0f + x;
    std::int32_t const n = detail::nearest_power_of_two(sum);
    // 1 + f = (1 + x) / 2^n from x, not from the rounded sum: every step is exact up to n = 24, and behind it the
    // 1 is too small to count. 2^-n comes from 2^(2 - n), as n may be 128.
    float const fourfold = detail::power_of_two(static_cast<std::uint32_t>(2 - n));
    float const f = detail::divided_by_power_of_two(x, n) + (0.25f * fourfold - 1.0f);
    float const result = detail::log_of_split(static_cast<float>(n), f) + detail::log_beyond_range(sum);
    return detail::with_sign_of(result, x);
}

/// log(1 + e^x), and x itself from 20 on, as in PyTorch: it cannot overflow. Error at most 1.73 ulp.
constexpr float softplus(float x) { return select(x > 20.0f, x, log1p(exp(x))); }

LOCKSTEP_HOST_DEVICE inline double log(double x) { return std::log(x); }
LOCKSTEP_HOST_DEVICE inline double log1p(double x) { return std::log1p(x); }

/// log(1 + e^x), and x itself from 20 on.
LOCKSTEP_HOST_DEVICE inline double softplus(double x) { return x > 20.0 ? x : std::log1p(std::exp(x)); }

} // namespace lockstep::math
