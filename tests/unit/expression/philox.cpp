// SPDX-License-Identifier: MIT
#include <lockstep/expression/philox.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

using words = std::array<std::uint32_t, 4>;

TEST_CASE("philox: the known answers of Random123") {
    CHECK(lockstep::philox({0, 0, 0, 0}, {0, 0}) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(lockstep::philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(lockstep::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: usable at compile time") {
    static_assert(lockstep::philox({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5);
    static_assert(lockstep::make_key(0x100000002) == lockstep::philox_key{2, 1});
}

TEST_CASE("philox: uniform numbers lie in [0, 1) and are spread evenly") {
    CHECK(lockstep::uniform(0) == 0.0f);
    CHECK(lockstep::uniform(0xffffffff) == 1.0f - 0x1p-24f);
    CHECK(lockstep::uniform(0, 0) == 0.0);
    CHECK(lockstep::uniform(0xffffffff, 0xffffffff) == 1.0 - 0x1p-53);

    std::array<int, 16> count{};
    double sum = 0.0;
    constexpr int draws = 160000;
    for (std::uint32_t i = 0; i < draws / 4; ++i)
        for (std::uint32_t bits : lockstep::philox({i, 0, 0, 0}, {1, 2})) {
            float const value = lockstep::uniform(bits);
            sum += value;
            ++count[static_cast<std::size_t>(value * 16.0f)];
        }
    double chi_square = 0.0;
    for (int c : count) chi_square += (c - draws / 16.0) * (c - draws / 16.0) / (draws / 16.0);
    CHECK(chi_square < 44.3); // 15 degrees of freedom: exceeded once in ten thousand
    CHECK(sum / draws == doctest::Approx(0.5).epsilon(0.01));
}
