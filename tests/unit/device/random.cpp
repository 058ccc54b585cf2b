// SPDX-License-Identifier: MIT
#include <lockstep/device/host/random.hpp>

#include <doctest/doctest.h>

#include <cstdint>

namespace ls = lockstep;

TEST_CASE("words that are drawn together are those of their Philox blocks, each of them once") {
    ls::philox_key const key{17, 0xdeadbeefu};
    std::uint32_t words[ls::host::words_drawn];
    // The counter wraps around.
    ls::philox_counter const first{0xfffffffcu, 1, 2, 3};
    ls::host::draw_words(first, key, words);
    for (std::uint32_t i = 0; i < 32; ++i) {
        auto const block = ls::philox({first[0] + i % 16 / 2, 1, 2, 3}, key);
        CHECK(words[i] == block[i / 16 * 2 + i % 2]);
    }
}
