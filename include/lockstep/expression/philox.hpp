// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

/// Random numbers as a function of a key and a counter (Salmon, Moraes, Dror and Shaw, "Parallel random
/// numbers: as easy as 1, 2, 3", 2011): no state, so that any device or worker can compute any of them.
namespace lockstep {

/// Which sequence: each key has its own 2^128 blocks.
struct philox_key {
    std::uint32_t low = 0;
    std::uint32_t high = 0;

    friend constexpr bool operator==(philox_key, philox_key) = default;
};

/// Which block of a sequence.
using philox_counter = std::array<std::uint32_t, 4>;

/// The sequence of a user's seed.
constexpr philox_key make_key(std::uint64_t seed) {
    return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
}

/// Philox4x32-10: four words of 32 independent random bits each.
constexpr std::array<std::uint32_t, 4> philox(philox_counter counter, philox_key key) {
    auto [a, b, c, d] = counter;
    for (int round = 0; round < 10; ++round) {
        std::uint64_t const first = std::uint64_t{0xd2511f53u} * a;
        std::uint64_t const second = std::uint64_t{0xcd9e8d57u} * c;
        a = static_cast<std::uint32_t>(second >> 32) ^ b ^ key.low;
        b = static_cast<std::uint32_t>(second);
        c = static_cast<std::uint32_t>(first >> 32) ^ d ^ key.high;
        d = static_cast<std::uint32_t>(first);
        key.low += 0x9e3779b9u;
        key.high += 0xbb67ae85u;
    }
    return {a, b, c, d};
}

/// A number in [0, 1) from 32 random bits, of which float holds 24.
constexpr float uniform(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// A number in [0, 1) with the 53 bits of double.
constexpr double uniform(std::uint32_t high, std::uint32_t low) {
    std::uint64_t const bits = (std::uint64_t{high} << 32 | low) >> 11;
    return static_cast<double>(bits) * 0x1p-53;
}

} // namespace lockstep
