// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/math.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

/// What the kernels of attention share: tiles of positions in shared memory and who computes what of their products.
namespace lockstep::grid {

/// Tiles of Tile positions of one head, Width columns each: Operands of them, of queries, keys, values or gradients.
/// The rows' lengths are odd, so that neighbours who read a column do not meet in one bank of the memory.
template <class T, int Operands, int Tile, int Width>
struct attention_memory {
    static constexpr int tile = Tile, operands = Operands;
    T operand[Operands][Tile][Width | 1];
    /// Of a tile of queries and one of keys, the weights and, for gradients, those of the scores.
    T weight[Operands - 2][Tile][Tile | 1];
    /// Values of a query.
    T row[3][Tile];
};

/// Positions of a tile: as many as there are and as fit into a group's memory, of which 4 KiB are left for other
/// things.
template <class T, int Operands, int Positions, int Width, int Tile = 32>
constexpr int attention_tile() {
    constexpr bool fits = sizeof(attention_memory<T, Operands, Tile, Width>) <= 44 * 1024;
    if constexpr (Tile > 1 && (!fits || Tile / 2 >= Positions)) {
        return attention_tile<T, Operands, Positions, Width, Tile / 2>();
    } else {
        static_assert(fits, "a head's columns fit into a group's shared memory");
        return Tile;
    }
}

/// A product of Rows x Columns, of which a member computes some rows next to each other and every sixteenth column.
template <class T, int Rows, int Columns>
struct shared_product {
    static constexpr int members = 128, across = 16, down = members / across;
    static constexpr int own_rows = (Rows + down - 1) / down, own_columns = (Columns + across - 1) / across;
    std::array<T, std::size_t{own_rows * own_columns}> sums;

    static constexpr int row_of(int member, int i) { return member / across * own_rows + i; }
    static constexpr int column_of(int member, int j) { return member % across + j * across; }

    constexpr void clear() {
        for (T& sum : sums) sum = T(0);
    }
    /// Adds left(row, k) right(k, column), k < depth. A row or column that is not there reads another one.
    constexpr void add(int member, int depth, auto const& left, auto const& right) {
        for (int k = 0; k < depth; ++k) {
            std::array<T, std::size_t{own_rows}> rows;
            for (int i = 0; i < own_rows; ++i) rows[i] = left(std::min(row_of(member, i), Rows - 1), k);
            for (int j = 0; j < own_columns; ++j) {
                T const column = right(k, std::min(column_of(member, j), Columns - 1));
                for (int i = 0; i < own_rows; ++i) sums[i * own_columns + j] += rows[i] * column;
            }
        }
    }
    /// Calls visit(row, column, sum) for the member's elements.
    constexpr void each(int member, auto const& visit) {
        for (int i = 0; i < own_rows; ++i)
            for (int j = 0; j < own_columns; ++j)
                if (row_of(member, i) < Rows && column_of(member, j) < Columns)
                    visit(row_of(member, i), column_of(member, j), sums[i * own_columns + j]);
    }
};

/// Extents of one head's attention, and where its rows lie: queries, keys and values in rows of 3 features, results and
/// upstream gradients in rows of as many features as the model has.
template <class T, int Heads, attention_mask Mask, class QKV>
struct attention_extents {
    static constexpr int heads = Heads;
    static constexpr int positions = QKV::result_shape::extents[0], features = QKV::result_shape::extents[1] / 3;
    static constexpr int width = features / Heads;
    static constexpr std::int64_t packed_row = 3 * std::int64_t{features};

    static constexpr std::int64_t all_heads(std::int64_t samples) { return (QKV::per_sample ? samples : 1) * Heads; }
    /// The first element of head `head`, counted over all samples, in rows of features and in packed rows.
    static constexpr std::int64_t start(std::int64_t head) {
        return head / Heads * positions * features + head % Heads * width;
    }
    static constexpr std::int64_t packed_start(std::int64_t head) {
        return head / Heads * positions * packed_row + head % Heads * width;
    }
    static constexpr T scale() { return T(1) / math::sqrt(static_cast<T>(width)); }
    static constexpr bool sees(int query, int key) {
        return query < positions && key < positions && (Mask == attention_mask::none || key <= query);
    }
    /// The positions that a tile of queries may see end here, and those that may see a tile of keys begin there.
    static constexpr int keys_end(int first_query, int tile) {
        return Mask == attention_mask::none ? positions : std::min(first_query + tile, int{positions});
    }
    static constexpr int queries_begin(int first_key) { return Mask == attention_mask::none ? 0 : first_key; }

    /// A member's part of copying rows [first, first + Tile) of a head; zeros behind the last position.
    template <std::int64_t RowStep, int Tile>
    static constexpr void load(int member, auto const* from, int first, T (&to)[Tile][width | 1]) {
        for (int index = member; index < Tile * width; index += shared_product<T, Tile, width>::members) {
            int const row = index / width, column = index % width;
            to[row][column] = first + row < positions ? from[(first + row) * RowStep + column] : T(0);
        }
    }
};

} // namespace lockstep::grid
