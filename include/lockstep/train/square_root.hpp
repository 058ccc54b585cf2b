// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace lockstep::detail {

template <class T>
struct inverse_square_root_guess;
template <>
struct inverse_square_root_guess<float> {
    using bits = std::uint32_t;
    static constexpr bits magic = 0x5f3759dfu;
    static constexpr int iterations = 2;
};
template <>
struct inverse_square_root_guess<double> {
    using bits = std::uint64_t;
    static constexpr bits magic = 0x5fe6eb50c7b537a9u;
    static constexpr int iterations = 3;
};

/// The square root of x >= 0, to a unit in the last place; of denormals less. std::sqrt sets errno, so that g++
/// vectorizes no loop over it. Newton's iteration for 1 / sqrt(x) from a guess by the bits of x, whose relative
/// error 2^-9 it squares each time, and one for the root itself.
template <class T>
constexpr T square_root(T x) {
    using guess = inverse_square_root_guess<T>;
    using bits = typename guess::bits;
    T y = std::bit_cast<T>(static_cast<bits>(guess::magic - (std::bit_cast<bits>(x) >> 1)));
    // In this order no factor overflows at 0.
    for (int i = 0; i < guess::iterations; ++i) y = y * (T(1.5) - T(0.5) * x * y * y);
    T const root = x * y;
    T const result = root + T(0.5) * y * (x - root * root);
    return x == std::numeric_limits<T>::infinity() ? x : result;
}

} // namespace lockstep::detail
