// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/bits.hpp>
#include <lockstep/host_device.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lockstep::math {

/// Square root, rounded correctly; NaN below 0. Written out because std::sqrt may set errno, for which g++ keeps
/// the processor's own instruction out of vectorized loops; where a program is compiled with -fno-math-errno, it is
/// that instruction.
#if defined(__NO_MATH_ERRNO__)
constexpr float sqrt(float x) { return __builtin_sqrtf(x); }
#else
constexpr float sqrt(float x) {
    using limits = std::numeric_limits<float>;
    bool const tiny = x < 0x1p-60f; // the remainder below would be denormal
    float const scaled = x * select(tiny, 0x1p60f, 1.0f);
    // Half the exponent, negated, gives 1 / sqrt(scaled) up to 3.5%; each of Newton's steps squares the error.
    float y = std::bit_cast<float>(0x5f375a86u - (std::bit_cast<std::uint32_t>(scaled) >> 1));
    y = y * (1.5f - 0.5f * scaled * y * y);
    y = y * (1.5f - 0.5f * scaled * y * y);
    y = y * (1.5f - 0.5f * scaled * y * y);
    float const s = scaled * y;
    // scaled - s * s without a rounding: the products of halves with 12 bits each are exact.
    float const high = std::bit_cast<float>(std::bit_cast<std::uint32_t>(s) & 0xfffff000u);
    float const low = s - high;
    float const remainder = scaled - high * high - 2.0f * high * low - low * low;
    float const root = (s + 0.5f * y * remainder) * select(tiny, 0x1p-30f, 1.0f);
    float const special = select(x >= 0.0f, x, limits::quiet_NaN());
    return select((x > 0.0f) & (x < limits::infinity()), root, special);
}
#endif

LOCKSTEP_HOST_DEVICE inline double sqrt(double x) { return std::sqrt(x); }

/// 1 / sqrt(x); infinity at 0, NaN below. Error at most 1.50 ulp.
constexpr float rsqrt(float x) { return 1.0f / sqrt(x); }
LOCKSTEP_HOST_DEVICE inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }

} // namespace lockstep::math
