// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

namespace lockstep {

/// bfloat16: the upper half of a float, with its range and 8 bits of precision. Values are stored so, never computed with:
/// read, it is a float; written, a float is rounded to the nearest, to even where two are as near, and NaN stays NaN.
struct bf16 {
    std::uint16_t bits;

    constexpr operator float() const { return std::bit_cast<float>(std::uint32_t{bits} << 16); }
    constexpr bf16& operator=(float value) {
        auto const all = std::bit_cast<std::uint32_t>(value);
        bool const is_nan = (all & 0x7fffffffu) > 0x7f800000u;
        // Half of what is cut off is added, or a little less where the kept part is even: it carries into that part.
        std::uint32_t const rounded = all + 0x7fffu + (all >> 16 & 1u);
        bits = static_cast<std::uint16_t>(is_nan ? all >> 16 | 0x40u : rounded >> 16);
        return *this;
    }
    bool operator==(bf16 const&) const = default;
};
static_assert(sizeof(bf16) == 2);

} // namespace lockstep
