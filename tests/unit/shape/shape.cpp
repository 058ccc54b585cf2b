// SPDX-License-Identifier: MIT
#include <lockstep/shape/shape.hpp>

#include <doctest/doctest.h>

namespace ls = lockstep;

TEST_CASE("a shape prints as PyTorch prints it") {
    CHECK(ls::to_string(ls::extents_of<ls::shape<32, 784>>()) == "[32, 784]");
    CHECK(ls::to_string(ls::extents_of<ls::shape<10>>()) == "[10]");
    CHECK(ls::to_string(ls::extents_of<ls::shape<>>()) == "[]");
}

TEST_CASE("extents carry a shape's values into run time") {
    ls::extents const image = ls::extents_of<ls::shape<3, 32, 28>>();
    REQUIRE(image.rank == 3);
    CHECK(image.extent[0] == 3);
    CHECK(image.extent[1] == 32);
    CHECK(image.extent[2] == 28);
    CHECK(image.size() == 3 * 32 * 28);
}

TEST_CASE("extents that were built axis by axis equal those of the type") {
    ls::extents value;
    CHECK(value.size() == 1);
    CHECK(value == ls::extents_of<ls::shape<>>());
    for (int extent : {1, 28, 28}) value.extent[value.rank++] = extent;
    CHECK(value == ls::extents_of<ls::shape<1, 28, 28>>());
    value.extent[2] = 27;
    CHECK(value != ls::extents_of<ls::shape<1, 28, 28>>());
    CHECK(ls::to_string(value) == "[1, 28, 27]");
}

TEST_CASE("a size past 32 bits is exact") {
    ls::extents value;
    for (int extent : {70'000, 70'000}) value.extent[value.rank++] = extent;
    CHECK(value.size() == 4'900'000'000);
}
