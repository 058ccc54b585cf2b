// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/vector.hpp>
#include <lockstep/expression/philox.hpp>

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace lockstep::host {

/// Random words are drawn for so many elements together, from eight blocks of four.
inline constexpr int words_drawn = 32;

namespace detail {

/// A 32-bit number in each lane of 64 bits, whatever its upper half holds: the product of two fills a lane.
typedef std::uint64_t philox_lanes __attribute__((vector_size(vector_bytes)));
inline constexpr int philox_lane_count = vector_bytes / 8;

[[gnu::always_inline]] inline philox_lanes multiply(philox_lanes const& a, std::uint32_t factor) {
#if defined(__AVX512F__) // masked, because g++ 12 takes the other form's result for uninitialized (its bug 105593)
    return (philox_lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)a, _mm512_set1_epi64(factor));
#elif defined(__AVX2__) && defined(__FMA__)
    return (philox_lanes)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(factor));
#elif defined(__SSE2__)
    return (philox_lanes)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(factor));
#else
    return (a & 0xffffffffu) * factor;
#endif
}

} // namespace detail

/// The words of eight blocks, from `first` on: of 32 elements, number i gets word i / 16 * 2 + i % 2 of block
/// i % 16 / 2, which is how they lie in registers, of any width.
[[gnu::always_inline]] inline void draw_words(philox_counter first, philox_key key, std::uint32_t* words) {
    using lanes = detail::philox_lanes;
    constexpr int count = detail::philox_lane_count, groups = 8 / count;
    lanes a[groups], b[groups], c[groups], d[groups];
    for (int g = 0; g < groups; ++g) {
        for (int lane = 0; lane < count; ++lane) a[g][lane] = first[0] + static_cast<std::uint32_t>(g * count + lane);
        b[g] = lanes{} + first[1], c[g] = lanes{} + first[2], d[g] = lanes{} + first[3];
    }
    for (int round = 0; round < 10; ++round) {
        for (int g = 0; g < groups; ++g) {
            lanes const x = detail::multiply(a[g], 0xd2511f53u), y = detail::multiply(c[g], 0xcd9e8d57u);
            a[g] = (y >> 32) ^ b[g] ^ key.low;
            b[g] = y;
            c[g] = (x >> 32) ^ d[g] ^ key.high;
            d[g] = x;
        }
        key.low += 0x9e3779b9u;
        key.high += 0xbb67ae85u;
    }
    for (int g = 0; g < groups; ++g) {
        lanes const low = (a[g] & 0xffffffffu) | b[g] << 32, high = (c[g] & 0xffffffffu) | d[g] << 32;
        std::memcpy(words + g * 2 * count, &low, sizeof(low));
        std::memcpy(words + words_drawn / 2 + g * 2 * count, &high, sizeof(high));
    }
}

} // namespace lockstep::host
