// SPDX-License-Identifier: MIT
#include <lockstep/loader/permutation.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

using lockstep::permutation;

TEST_CASE("permutation: every index once, for any size") {
    for (std::int64_t size : {1, 2, 3, 4, 5, 7, 16, 17, 64, 1000, 60000}) {
        CAPTURE(size);
        permutation const order(size, 1, 0);
        std::vector<int> seen(static_cast<std::size_t>(size), 0);
        for (std::int64_t i = 0; i < size; ++i) {
            std::int64_t const target = order(i);
            REQUIRE(target >= 0);
            REQUIRE(target < size);
            ++seen[static_cast<std::size_t>(target)];
        }
        for (int count : seen) REQUIRE(count == 1);
    }
}

TEST_CASE("permutation: seeds and epochs give other orders, the same ones the same") {
    auto differences = [](permutation const& a, permutation const& b) {
        int count = 0;
        for (std::int64_t i = 0; i < 1000; ++i) count += a(i) != b(i);
        return count;
    };
    permutation const order(1000, 1, 0);
    CHECK(differences(order, permutation(1000, 1, 0)) == 0);
    CHECK(differences(order, permutation(1000, 1, 1)) > 980);
    CHECK(differences(order, permutation(1000, 2, 0)) > 980);
    CHECK(differences(order, permutation(1000, 1, std::uint64_t{1} << 32)) > 980);
}

TEST_CASE("permutation: where an index goes is uniform over epochs") {
    // 16 places, 8,000 epochs: 500 expected in each; chi-square with 15 degrees of freedom exceeds 44.3 once in
    // ten thousand.
    for (std::int64_t index : {0, 7, 15}) {
        std::vector<int> count(16, 0);
        for (std::uint64_t epoch = 0; epoch < 8000; ++epoch)
            ++count[static_cast<std::size_t>(permutation(16, 3, epoch)(index))];
        double chi_square = 0.0;
        for (int c : count) chi_square += (c - 500.0) * (c - 500.0) / 500.0;
        CHECK(chi_square < 44.3);
    }
}

TEST_CASE("permutation: neighbours don't stay together") {
    permutation const order(60000, 1, 0);
    int near = 0;
    double sum = 0.0;
    for (std::int64_t i = 0; i + 1 < 60000; ++i) {
        std::int64_t const step = order(i + 1) - order(i);
        near += step > -60 && step < 60;
        sum += static_cast<double>(order(i)) * (i < 30000 ? 1.0 : 0.0);
    }
    CHECK(near < 240); // 119 expected
    CHECK(sum / 30000 == doctest::Approx(30000.0).epsilon(0.02));
}
