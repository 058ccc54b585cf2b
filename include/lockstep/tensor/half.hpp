// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace lockstep {

/// IEEE 754's binary16: 11 bits of precision, from 2^-24 to 65504. Values are stored so, never computed with: read, it is a
/// float; written, a float is rounded to the nearest, to even where two are as near. What is too large becomes infinite,
/// and NaN stays NaN.
struct half {
    std::uint16_t bits;

    constexpr operator float() const {
#ifdef __CUDA_ARCH__
        if (!std::is_constant_evaluated()) {
            float value;
            asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
            return value;
        }
#endif
        std::uint32_t const sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
        // Multiples of 2^-24; an exponent that counts from 2^-15, and from 2^-127 in a float; infinity and NaN.
        if (magnitude < 0x0400u) {
            float const value = static_cast<float>(magnitude) * 0x1p-24f;
            return sign != 0 ? -value : value;
        }
        std::uint32_t const exponent = magnitude < 0x7c00u ? 112u << 23 : 224u << 23;
        return std::bit_cast<float>(sign | ((magnitude << 13) + exponent));
    }
    constexpr half& operator=(float value) {
#ifdef __CUDA_ARCH__
        if (!std::is_constant_evaluated()) {
            asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
            return *this;
        }
#endif
        auto const all = std::bit_cast<std::uint32_t>(value);
        std::uint32_t const sign = all >> 16 & 0x8000u, magnitude = all & 0x7fffffffu;
        bits = static_cast<std::uint16_t>(sign | rounded(magnitude));
        return *this;
    }
    bool operator==(half const&) const = default;

private:
    /// The bits of a float that is not negative.
    static constexpr std::uint32_t rounded(std::uint32_t magnitude) {
        constexpr std::uint32_t infinity = 0x7f800000u, too_large = 0x477ff000u, smallest_normal = 0x38800000u;
        if (magnitude > infinity) return 0x7e00u | (magnitude >> 13 & 0x01ffu);
        if (magnitude >= too_large) return 0x7c00u;
        if (magnitude >= smallest_normal) {
            // Half of what is cut off is added, or a little less where the kept part is even: it carries into that part.
            std::uint32_t const moved = magnitude - (112u << 23);
            return (moved + 0x0fffu + (moved >> 13 & 1u)) >> 13;
        }
        // Neighbours of 0.5 are 2^-24 apart, as are the smallest numbers here.
        return std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
    }
};
static_assert(sizeof(half) == 2);

} // namespace lockstep
