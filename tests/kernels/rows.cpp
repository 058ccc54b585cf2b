// SPDX-License-Identifier: MIT
// Functions of whole rows for a grid against those of a host, by warps and by blocks.
#include "member_order.hpp"

#include <lockstep/expression/rows.hpp>

#include <limits>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;

template <class Index>
using index_leaf = ls::leaf<ls::operand_tag<1>, Index, true, ls::leaf_content::class_index>;

template <class T, class Shape>
void compare(std::int64_t samples) {
    using x = operand<0, Shape>;
    using softmax = ls::compute<ls::primitive::softmax, x>;
    using logsumexp = ls::compute<ls::primitive::logsumexp, x>;
    using argmax = ls::compute<ls::primitive::argmax, x>;
    using rows = typename logsumexp::result_shape;
    using pick = ls::compute<ls::primitive::pick, x, index_leaf<rows>>;
    constexpr auto columns = static_cast<std::int32_t>(Shape::size / rows::size);
    auto const values = random_elements<T>(Shape::size * std::max<std::int64_t>(samples, 1), 1);
    std::vector<std::int32_t> indices(static_cast<std::size_t>(rows::size * std::max<std::int64_t>(samples, 1)));
    // From one too few to one too many.
    for (std::size_t i = 0; i < indices.size(); ++i)
        indices[i] = static_cast<std::int32_t>(i * 7 % static_cast<std::size_t>(columns + 2)) - 1;
    INFO(to_string(ls::extents_of<Shape>()), ", ", samples, " samples");
    check_any_order<T, softmax>({values.data()}, samples, samples);
    check_any_order<T, logsumexp>({values.data()}, samples, samples);
    check_any_order<T, argmax>({values.data()}, samples, samples);
    CHECK(on_grid<T, argmax>({values.data()}, samples) == on_host<T, argmax>({values.data()}, samples));
    std::vector<void const*> const both{values.data(), indices.data()};
    CHECK(on_grid<T, pick>(both, samples) == on_host<T, pick>(both, samples));
}

} // namespace

TEST_CASE_TEMPLATE("rows for a grid: softmax, logsumexp, argmax and pick as on a host", T, float, double) {
    compare<T, ls::shape<10>>(0);
    compare<T, ls::shape<10>>(37);
    compare<T, ls::shape<1>>(3);
    compare<T, ls::shape<>>(2);
    compare<T, ls::shape<5, 33>>(3);
    compare<T, ls::shape<2, 3, 2, 65>>(2);
    compare<T, ls::shape<19, 5, 3>>(2); // an image: a row is a pixel's channels
    compare<T, ls::shape<1024>>(2);
    compare<T, ls::shape<1025>>(3);
    compare<T, ls::shape<2, 9001>>(2);
}

TEST_CASE_TEMPLATE("rows for a grid: a value that samples share", T, float, double) {
    using x = operand<0, ls::shape<4, 7>, false>;
    auto const values = random_elements<T>(28, 1);
    check_same<T, ls::compute<ls::primitive::softmax, x>>({values.data()}, 5);
    check_same<T, ls::compute<ls::primitive::logsumexp, x>>({values.data()}, 0);
}

TEST_CASE_TEMPLATE("rows for a grid: infinities, NaN and equal maxima", T, float, double) {
    constexpr T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    constexpr std::int64_t rows = 7;
    auto const check = [&]<int Columns>(std::integral_constant<int, Columns>) {
        using x = operand<0, ls::shape<Columns>>;
        using softmax = ls::compute<ls::primitive::softmax, x>;
        using logsumexp = ls::compute<ls::primitive::logsumexp, x>;
        using argmax = ls::compute<ls::primitive::argmax, x>;
        std::vector<T> values(rows * Columns, T(1));
        auto const set = [&](int row, int column, T value) {
            values[static_cast<std::size_t>(row * Columns + column)] = value;
        };
        set(0, 5, 2), set(0, 36, 2);
        set(1, 36, infinity), set(1, 40, infinity);
        set(2, 41, nan), set(2, 39, nan), set(2, 3, infinity);
        for (int c = 0; c < Columns; ++c) set(3, c, -infinity);
        set(4, Columns - 1, 3);
        set(5, 0, -infinity), set(5, 34, nan);
        auto const columns = on_grid<T, argmax>({values.data()}, rows);
        CHECK(columns == std::vector<T>{5, 36, 39, 0, T(Columns - 1), 34, 0});
        CHECK(columns == on_host<T, argmax>({values.data()}, rows));
        auto const sums = on_grid<T, logsumexp>({values.data()}, rows);
        CHECK(std::isfinite(sums[0]));
        CHECK(sums[1] == infinity);
        CHECK(std::isnan(sums[2]));
        CHECK(sums[3] == -infinity);
        CHECK(std::isnan(sums[5]));
        auto const shares = on_grid<T, softmax>({values.data()}, rows);
        auto const expected = on_host<T, softmax>({values.data()}, rows);
        auto const is_nan = [](T share) { return std::isnan(share); };
        CHECK(std::ranges::equal(shares, expected, {}, is_nan, is_nan));
        for (std::size_t row : {1u, 2u, 3u, 5u}) CHECK(std::isnan(shares[row * Columns + 34]));
    };
    check(std::integral_constant<int, 45>{});
    check(std::integral_constant<int, 1500>{});
}
