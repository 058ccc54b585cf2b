// SPDX-License-Identifier: MIT
#include <lockstep/tensor/half.hpp>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

constexpr lockstep::half rounded_half(float value) {
    lockstep::half result{};
    result = value;
    return result;
}
constexpr float through_half(float value) { return rounded_half(value); }

static_assert(rounded_half(1.0f).bits == 0x3c00 && through_half(1.0f) == 1.0f && through_half(-0.15625f) == -0.15625f);
static_assert(rounded_half(65504.0f).bits == 0x7bff && rounded_half(0x1p-14f).bits == 0x0400 && rounded_half(0x1p-24f).bits == 1);
// In the middle between two: the even one; a little above and below the nearer one.
static_assert(through_half(1.0f + 0x1p-11f) == 1.0f && through_half(1.0f + 0x1.8p-10f) == 1.0f + 0x1p-9f);
static_assert(through_half(1.0f + 0x1.01p-11f) == 1.0f + 0x1p-10f && through_half(1.0f + 0x1.ffp-12f) == 1.0f);
static_assert(through_half(0x1p-25f) == 0.0f && through_half(0x1.8p-24f) == 0x1p-23f && through_half(0x1.01p-25f) == 0x1p-24f);
static_assert(rounded_half(-0.0f).bits == 0x8000 && rounded_half(-0x1p-30f).bits == 0x8000);

/// IEEE 754: a sign, 5 bits of exponent, 10 bits behind the point.
double by_definition(std::uint32_t bits) {
    int const exponent = static_cast<int>(bits >> 10 & 31u), fraction = static_cast<int>(bits & 1023u);
    double const magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000u ? -magnitude : magnitude;
}

} // namespace

TEST_CASE("half: infinities stay, what is too large becomes one, NaN stays NaN") {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    CHECK(through_half(infinity) == infinity);
    CHECK(through_half(-infinity) == -infinity);
    CHECK(through_half(65519.996f) == 65504.0f);
    CHECK(through_half(65520.0f) == infinity);
    CHECK(through_half(-std::numeric_limits<float>::max()) == -infinity);
    for (std::uint32_t const bits : {0x7fc00000u, 0x7f800001u, 0xff80ffffu, 0x7fffffffu})
        CHECK(std::isnan(through_half(std::bit_cast<float>(bits))));
}

TEST_CASE("half: every value is what its bits say, and itself again") {
    int wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        float const value = lockstep::half{static_cast<std::uint16_t>(bits)};
        bool const is_number = (bits & 0x7fffu) < 0x7c00u;
        CHECK(std::isnan(value) == ((bits & 0x7fffu) > 0x7c00u));
        if (is_number) wrong += static_cast<double>(value) != by_definition(bits);
        if (!std::isnan(value)) wrong += rounded_half(value).bits != bits;
    }
    CHECK(wrong == 0);
}

TEST_CASE("half: a float becomes the nearest value, and of two that are as near the one whose last bit is 0") {
    int found = 0, wrong = 0;
    // Of each gap the middle, what is next to it, and some others.
    for (std::uint32_t below = 0; below < 0x7bffu; ++below) {
        double const low = by_definition(below), high = by_definition(below + 1), middle = (low + high) / 2;
        auto const at_middle = static_cast<float>(middle);
        for (float const value : {at_middle, std::nextafter(at_middle, 0.0f), std::nextafter(at_middle, 1e6f),
                                  static_cast<float>(low + 0.1 * (high - low)), static_cast<float>(low + 0.9 * (high - low))}) {
            std::uint32_t const nearest = value < middle || (value == middle && below % 2 == 0) ? below : below + 1;
            wrong += rounded_half(value).bits != nearest;
            wrong += rounded_half(-value).bits != (nearest | 0x8000u);
            ++found;
        }
    }
    CHECK(wrong == 0);
    CHECK(found == 5 * 0x7bff);
}
