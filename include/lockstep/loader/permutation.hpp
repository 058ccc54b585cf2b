// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace lockstep {

/// A pseudo-random permutation of [0, size), a function of (size, seed, epoch) without an array of indices: a
/// balanced Feistel network over the next even power of two, walked along its cycle until it lands within the
/// size (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"). The size is at least 1.
class permutation {
public:
    permutation(std::int64_t size, std::uint64_t seed, std::uint64_t epoch)
        : size_(static_cast<std::uint64_t>(size)) {
        int const bits = size > 1 ? static_cast<int>(std::bit_width(size_ - 1)) : 0;
        half_ = bits < 2 ? 1 : (bits + 1) / 2;
        mask_ = (std::uint64_t{1} << half_) - 1;
        auto const low = static_cast<std::uint32_t>(epoch), high = static_cast<std::uint32_t>(epoch >> 32);
        for (std::uint32_t block = 0; block < 2; ++block) {
            auto const words = philox({block, low, high, purpose}, make_key(seed));
            for (std::uint32_t i = 0; i < 4; ++i) keys_[block * 4 + i] = words[i];
        }
    }

    /// Where the sample that stands at `index` of the epoch's order comes from.
    std::int64_t operator()(std::int64_t index) const {
        auto value = static_cast<std::uint64_t>(index);
        do value = encrypt(value);
        while (value >= size_);
        return static_cast<std::int64_t>(value);
    }

private:
    static constexpr int rounds = 6;
    /// Keeps these numbers apart from others of the same seed.
    static constexpr std::uint32_t purpose = 0x73687566;

    std::uint64_t encrypt(std::uint64_t value) const {
        std::uint64_t left = value >> half_, right = value & mask_;
        for (int r = 0; r < rounds; ++r) {
            std::uint64_t const next = (left ^ mix(right + keys_[r])) & mask_;
            left = right;
            right = next;
        }
        return left << half_ | right;
    }
    /// Spreads every bit over all (multiplication by odd constants and shifts, as in splitmix64).
    static std::uint64_t mix(std::uint64_t value) {
        value *= 0x9e3779b97f4a7c15u;
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
        value = (value ^ value >> 27) * 0x94d049bb133111ebu;
        return value ^ value >> 31;
    }

    std::uint64_t size_;
    int half_ = 1;
    std::uint64_t mask_ = 1;
    std::array<std::uint32_t, 8> keys_{};
};

} // namespace lockstep
