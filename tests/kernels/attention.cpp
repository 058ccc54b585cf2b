// SPDX-License-Identifier: MIT
// Attention for a grid beside that of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::attention_mask;

template <class T, int Positions, int Features, int Heads, attention_mask Mask>
void check_attention(std::initializer_list<std::int64_t> samples) {
    using qkv = operand<0, ls::shape<Positions, 3 * Features>>;
    using e = ls::compute<ls::primitive::attention<Heads, Mask>, qkv>;
    CAPTURE(Positions);
    CAPTURE(Features);
    CAPTURE(Heads);
    for (std::int64_t const n : samples) {
        auto x = elements_of<T, qkv>(n, 1);
        for (T& value : x) value *= 3; // weights that differ
        check_any_order<T, e>({x.data()}, n, std::max(samples));
    }
}

} // namespace

TEST_CASE_TEMPLATE("attention for a grid: positions and columns that are no multiples of a tile", T, float, double) {
    check_attention<T, 1, 1, 1, attention_mask::none>({0, 1, 3});
    check_attention<T, 5, 6, 2, attention_mask::causal>({0, 1, 3});
    check_attention<T, 32, 16, 1, attention_mask::none>({1, 2});
    check_attention<T, 67, 40, 4, attention_mask::none>({0, 1, 2});
    check_attention<T, 67, 37, 1, attention_mask::causal>({1, 2});
    check_attention<T, 100, 128, 2, attention_mask::none>({1});
}

TEST_CASE_TEMPLATE("attention for a grid: heads so wide that a tile has few positions", T, float, double) {
    check_attention<T, 37, 600, 1, attention_mask::causal>({2});
    check_attention<T, 5, 1500, 1, attention_mask::none>({1});
}

TEST_CASE_TEMPLATE("attention for a grid: scores that are large, infinite or not numbers", T, float, double) {
    constexpr int positions = 70, width = 2;
    using qkv = operand<0, ls::shape<positions, 3 * width>>;
    using e = ls::compute<ls::primitive::attention<1, attention_mask::none>, qkv>;
    auto x = host_kernels::random_elements<T>(positions * 3 * width, 1);
    for (int p = 0; p < positions; ++p) {
        T* const row = x.data() + p * 3 * width;
        row[0] = row[1] = T(1) + T(p % 7);
        row[2] *= 1000;
    }
    check_any_order<T, e>({x.data()}, 1, 1);

    // Nobody sees the first tiles' keys: their scores are -infinity.
    for (int p = 0; p < 64; ++p) x[static_cast<std::size_t>(p * 3 * width + 2)] = -std::numeric_limits<T>::infinity();
    auto const seen = on_grid<T, e>({x.data()}, 1);
    CHECK(std::ranges::none_of(seen, [](T value) { return std::isnan(value); }));
    check_any_order<T, e>({x.data()}, 1, 1);

    // A query that is none spoils its own row alone.
    x[5 * 3 * width] = std::numeric_limits<T>::quiet_NaN();
    auto const spoiled = on_grid<T, e>({x.data()}, 1);
    for (std::size_t i = 0; i < spoiled.size(); ++i) CHECK(std::isnan(spoiled[i]) == (i / width == 5));
}
