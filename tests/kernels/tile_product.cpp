// SPDX-License-Identifier: MIT
// A tile of a product beside plain loops.
#include "member_order.hpp"

#include <lockstep/device/grid/operand.hpp>
#include <lockstep/device/grid/tile_product.hpp>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;
using ls::grid::product_tile;

static_assert(std::is_same_v<ls::grid::tile_for<64, 10>, product_tile<64, 16>>); // not 54 columns for nobody
static_assert(std::is_same_v<ls::grid::tile_for<100000, 256>, product_tile<128, 64>>);
static_assert(std::is_same_v<ls::grid::tile_for<9, 96>, product_tile<16, 32>>);
static_assert(std::is_same_v<ls::grid::tile_for<1, 1>, product_tile<16, 8>>);
static_assert(product_tile<128, 64>::own_rows == 8 && product_tile<128, 64>::own_columns == 4);

// Every element of a tile belongs to one member.
template <class Tile>
constexpr bool shares_everything() {
    std::array<int, std::size_t{Tile::rows * Tile::columns}> times{};
    for (int member = 0; member < Tile::members; ++member)
        for (int i = 0; i < Tile::own_rows; ++i)
            for (int j = 0; j < Tile::own_columns; ++j) {
                int const row = Tile::first_row(member) + i, column = Tile::first_column(member) + j;
                ++times[static_cast<std::size_t>(row * Tile::columns + column)];
            }
    for (int const each : times)
        if (each != 1) return false;
    return true;
}
static_assert(shares_everything<product_tile<128, 64>>() && shares_everything<product_tile<64, 64>>());
static_assert(shares_everything<product_tile<128, 8>>() && shares_everything<product_tile<16, 8>>());
static_assert(shares_everything<product_tile<32, 16>>() && shares_everything<product_tile<64, 32>>());

constexpr int rows = 37, columns = 29, depth = 45;

// Part of a product of matrices, transposed or not, with lines and steps that the tile leaves out.
template <class T, class Tile, class Left, class Right>
void check_tile(std::vector<T> const& a, std::vector<T> const& b, Left const& left, Right const& right) {
    constexpr int first_row = 5, first_column = 3, first_step = 7, last_step = 40;
    std::vector<T> found(rows * columns, T(-1)), expected = found;
    ls::grid::shared_product_tile<T, Tile> shared;
    ls::grid::compute_tile<T, Tile>({first_row, rows, first_column, columns, first_step, last_step}, left, right,
                                    ls::grid::taking_turns<Tile::members>{}, shared,
                                    [&](std::int64_t row, std::int64_t column, T value) {
                                        found[static_cast<std::size_t>(row * columns + column)] = value;
                                    });
    for (int row = first_row; row < std::min(rows, first_row + Tile::rows); ++row)
        for (int column = first_column; column < std::min(columns, first_column + Tile::columns); ++column) {
            T sum = 0;
            for (int k = first_step; k < last_step; ++k)
                sum += a[static_cast<std::size_t>(row * depth + k)] * b[static_cast<std::size_t>(k * columns + column)];
            expected[static_cast<std::size_t>(row * columns + column)] = sum;
        }
    CHECK(difference(found, expected) <= 64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

template <class T>
std::vector<T> transposed(std::vector<T> const& matrix, int height, int width) {
    std::vector<T> result(matrix.size());
    for (int i = 0; i < height; ++i)
        for (int j = 0; j < width; ++j)
            result[static_cast<std::size_t>(j * height + i)] = matrix[static_cast<std::size_t>(i * width + j)];
    return result;
}

template <class T, class Tile>
void check_operands() {
    auto const a = random_elements<T>(rows * depth, 1), b = random_elements<T>(depth * columns, 2);
    auto const at = transposed(a, rows, depth), bt = transposed(b, depth, columns);
    ls::grid::matrix_rows<T, depth> const left{a.data()}, right_transposed{bt.data()};
    ls::grid::matrix_columns<T, rows> const left_transposed{{at.data()}};
    ls::grid::matrix_columns<T, columns> const right{{b.data()}};
    check_tile<T, Tile>(a, b, left, right);
    check_tile<T, Tile>(a, b, left, right_transposed);
    check_tile<T, Tile>(a, b, left_transposed, right);
    check_tile<T, Tile>(a, b, left_transposed, right_transposed);
}

} // namespace

TEST_CASE_TEMPLATE("a tile of a product: any part of matrices that are transposed or not", T, float, double) {
    check_operands<T, product_tile<128, 64>>();
    check_operands<T, product_tile<64, 64>>();
    check_operands<T, product_tile<16, 8>>();
    check_operands<T, product_tile<32, 16>>();
    check_operands<T, product_tile<128, 8>>();
}
