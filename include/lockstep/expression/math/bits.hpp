// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

namespace lockstep::math {

/// condition ? a : b without a branch: compilers move what only one side needs behind a real one.
constexpr float select(bool condition, float a, float b) {
    std::uint32_t const mask = 0u - static_cast<std::uint32_t>(condition);
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(a) & mask) |
                                (std::bit_cast<std::uint32_t>(b) & ~mask));
}
constexpr double select(bool condition, double a, double b) {
    std::uint64_t const mask = 0u - static_cast<std::uint64_t>(condition);
    return std::bit_cast<double>((std::bit_cast<std::uint64_t>(a) & mask) |
                                 (std::bit_cast<std::uint64_t>(b) & ~mask));
}

namespace detail {

/// 2^exponent for -126 <= exponent <= 127, in two's complement.
constexpr float power_of_two(std::uint32_t exponent) {
    return std::bit_cast<float>((exponent + 127u) << 23);
}

constexpr float magnitude(float x) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
}

/// For a magnitude that is not negative, or already has that sign.
constexpr float with_sign_of(float magnitude, float sign) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) |
                                (std::bit_cast<std::uint32_t>(sign) & 0x80000000u));
}

} // namespace detail

} // namespace lockstep::math
