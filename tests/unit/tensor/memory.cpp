// SPDX-License-Identifier: MIT
#include <lockstep/tensor/memory.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace ls = lockstep;

TEST_CASE("align_up gives the next multiple") {
    CHECK(ls::align_up(0) == 0);
    CHECK(ls::align_up(1) == 64);
    CHECK(ls::align_up(64) == 64);
    CHECK(ls::align_up(65) == 128);
    CHECK(ls::align_up(13, 4) == 16);
    CHECK(ls::align_up(std::int64_t{1} << 40) == std::int64_t{1} << 40);
}

TEST_CASE("host memory starts on a cache line, whatever its size") {
    for (std::size_t bytes : {1, 63, 64, 65, 4097}) {
        CAPTURE(bytes);
        ls::host_memory const memory(bytes);
        CHECK(memory.bytes() == bytes);
        REQUIRE(memory.data() != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(memory.data()) % ls::memory_alignment == 0);
    }
}

TEST_CASE("host memory without bytes has no elements") {
    ls::host_memory const memory;
    CHECK(memory.data() == nullptr);
    CHECK(memory.bytes() == 0);
    CHECK(memory.as<double>().empty());
}

TEST_CASE("host memory as elements takes those that fit whole") {
    ls::host_memory const memory(22);
    CHECK(memory.as<float>().size() == 5);
    CHECK(memory.as<double>().size() == 2);
    memory.as<float>()[4] = 1.5f;
    CHECK(memory.as<float>()[4] == 1.5f);
}

TEST_CASE("host memory has one owner") {
    static_assert(!std::is_copy_constructible_v<ls::host_memory>);
    static_assert(!std::is_copy_assignable_v<ls::host_memory>);
    ls::host_memory first(64);
    std::byte* const data = first.data();
    ls::host_memory const second = std::move(first);
    CHECK(second.data() == data);
    CHECK(second.bytes() == 64);
    CHECK(first.data() == nullptr); // NOLINT(bugprone-use-after-move): empty is what it promises
}
