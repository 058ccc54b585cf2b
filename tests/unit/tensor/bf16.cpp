// SPDX-License-Identifier: MIT
#include <lockstep/tensor/bf16.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace {

constexpr lockstep::bf16 rounded(float value) {
    lockstep::bf16 result{};
    result = value;
    return result;
}
constexpr float between(float value) { return rounded(value); }

static_assert(rounded(1.0f).bits == 0x3f80 && between(1.0f) == 1.0f && between(-0.15625f) == -0.15625f);
// 1 + 2^-8 lies in the middle between two: the even one; a little above and below the nearer one.
static_assert(between(1.0f + 0x1p-8f) == 1.0f && between(1.0f + 0x1.8p-7f) == 1.0f + 0x1p-6f);
static_assert(between(1.0f + 0x1.0002p-8f) == 1.0f + 0x1p-7f && between(1.0f + 0x1.fffcp-9f) == 1.0f);
static_assert(rounded(-0.0f).bits == 0x8000);

} // namespace

TEST_CASE("bf16: infinities stay, what is too large becomes one, NaN stays NaN") {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    CHECK(between(infinity) == infinity);
    CHECK(between(-infinity) == -infinity);
    CHECK(between(std::numeric_limits<float>::max()) == infinity);
    CHECK(between(0x1.fep127f) == 0x1.fep127f);
    // One whose bits are all in the half that is cut off.
    for (std::uint32_t const bits : {0x7fc00000u, 0x7f800001u, 0xff80ffffu, 0x7fffffffu})
        CHECK(std::isnan(between(std::bit_cast<float>(bits))));
}

TEST_CASE("bf16: every value is itself, and every float becomes one of its neighbours, the nearer") {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        float const value = lockstep::bf16{static_cast<std::uint16_t>(bits)};
        if (std::isnan(value)) continue;
        CHECK_MESSAGE(rounded(value).bits == bits, value);
    }
    for (std::uint32_t bits = 0x00000001; bits < 0x7f000000u; bits += 0x00013579u) {
        float const value = std::bit_cast<float>(bits), found = between(value);
        float const below = std::bit_cast<float>(bits & 0xffff0000u), above = std::bit_cast<float>((bits & 0xffff0000u) + 0x10000u);
        CHECK((found == below || found == above));
        CHECK(std::abs(found - value) <= std::min(value - below, above - value));
    }
}
