// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/group.hpp>
#include <lockstep/device/grid/operand.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace lockstep::grid {

/// A tile of Rows x Columns of a product, which a group computes together: every member a small tile of its own, in
/// registers. The summed axis passes by in steps of `depth`.
template <int Rows, int Columns>
struct product_tile {
    static constexpr int rows = Rows, columns = Columns, depth = 16;
    static constexpr int members = Rows * Columns >= 64 * 64 ? 256 : 128;

    static constexpr int own_size = Rows * Columns / members;
    static constexpr int own_columns = own_size >= 8 ? 4 : std::min(own_size, 2);
    static constexpr int own_rows = own_size / own_columns;
    static_assert(own_size > 0 && Rows <= members && Columns <= members, "every member has a part of everything");

    static constexpr int first_row(int member) { return member / (Columns / own_columns) * own_rows; }
    static constexpr int first_column(int member) { return member % (Columns / own_columns) * own_columns; }
};

/// The extent of a tile along an axis: computed are whole tiles, and the narrower they are, the more often the other
/// operand is read.
constexpr int tile_extent(std::int64_t extent, int largest, int least) {
    int best = largest;
    auto const cost = [extent](int tile) { return (extent + tile - 1) / tile * (tile + 16); };
    for (int tile = largest / 2; tile >= least; tile /= 2)
        if (cost(tile) < cost(best)) best = tile;
    return best;
}
template <std::int64_t Rows, std::int64_t Columns>
using tile_for = product_tile<tile_extent(Rows, 128, 16), tile_extent(Columns, 64, 8)>;

/// Both operands' parts of one step, for all members. The padding keeps those who write to a column from meeting in one
/// bank of the memory.
template <class T, class Tile>
struct shared_product_tile {
    alignas(16) T left[Tile::depth][Tile::rows + 4];
    alignas(16) T right[Tile::depth][Tile::columns + 4];
};

/// What one member carries of an operand, of Lines lines and one step, from memory to the shared tile. Neighbours take
/// what lies next to each other.
template <class T, class Operand, int Lines, class Tile>
class carried_part {
    static constexpr int count = Lines * Tile::depth / Tile::members;
    static constexpr bool along_depth = Operand::along_depth;
    static constexpr int lines = along_depth ? count : 1;
    static_assert(count * Tile::members == Lines * Tile::depth);

    static constexpr int line_of(int member, int i) {
        return along_depth ? member / Tile::depth + i * (Tile::members / Tile::depth) : member % Lines;
    }
    static constexpr int step_of(int member, int i) {
        return along_depth ? member % Tile::depth : member / Lines + i * (Tile::members / Lines);
    }

public:
    /// From now on lines [first, first + Lines). What is read for those from `last` on, which are not there, goes into
    /// results that are not there either.
    constexpr void find_lines(Operand const& operand, int member, std::int64_t first, std::int64_t last) {
        for (int i = 0; i < lines; ++i) line_[i] = operand.line(std::min(first + line_of(member, i), last - 1));
    }
    /// Steps [first, first + depth), zeros from `last` on.
    constexpr void read(Operand const& operand, int member, std::int64_t first, std::int64_t last) {
        for (int i = 0; i < count; ++i) {
            std::int64_t const k = first + step_of(member, i);
            value_[i] = k < last ? operand.at(line_[along_depth ? i : 0], operand.step(k)) : T(0);
        }
    }
    template <int Row>
    constexpr void put(T (&tile)[Tile::depth][Row], int member) const {
        for (int i = 0; i < count; ++i) tile[step_of(member, i)][line_of(member, i)] = value_[i];
    }

private:
    std::array<decltype(std::declval<Operand const&>().line(0)), lines> line_;
    std::array<T, count> value_;
};

/// Which part of a product a tile is: rows [first_row, rows) and columns [first_column, columns) as far as they fit,
/// summed over [first_step, last_step).
struct product_part {
    std::int64_t first_row, rows, first_column, columns, first_step, last_step;
};

/// Computes a tile of left right, summed in the order of steps, and calls store(row, column, value) for its elements.
template <class T, class Tile, class Left, class Right, class Group, class Store>
constexpr void compute_tile(product_part const& part, Left const& left, Right const& right, Group const& group,
                            shared_product_tile<T, Tile>& shared, Store const& store) {
    struct member_part {
        carried_part<T, Left, Tile::rows, Tile> left;
        carried_part<T, Right, Tile::columns, Tile> right;
        std::array<T, Tile::own_size> sums;
    };
    typename Group::template own<member_part> own;
    auto const read = [&](int member, std::int64_t step) {
        own[member].left.read(left, member, step, part.last_step);
        own[member].right.read(right, member, step, part.last_step);
    };
    group.phase([&](int member) {
        member_part& mine = own[member];
        for (T& sum : mine.sums) sum = T(0);
        mine.left.find_lines(left, member, part.first_row, part.rows);
        mine.right.find_lines(right, member, part.first_column, part.columns);
        read(member, part.first_step);
    });
    for (std::int64_t step = part.first_step; step < part.last_step; step += Tile::depth) {
        group.phase([&](int member) {
            own[member].left.put(shared.left, member);
            own[member].right.put(shared.right, member);
        });
        group.phase([&](int member) {
            // On its way while this step is multiplied.
            if (step + Tile::depth < part.last_step) read(member, step + Tile::depth);
            int const row = Tile::first_row(member), column = Tile::first_column(member);
            for (int k = 0; k < Tile::depth; ++k)
                for (int i = 0; i < Tile::own_rows; ++i)
                    for (int j = 0; j < Tile::own_columns; ++j)
                        own[member].sums[i * Tile::own_columns + j] +=
                            shared.left[k][row + i] * shared.right[k][column + j];
        });
    }
    group.phase([&](int member) {
        std::int64_t const row = part.first_row + Tile::first_row(member);
        std::int64_t const column = part.first_column + Tile::first_column(member);
        for (int i = 0; i < Tile::own_rows; ++i)
            for (int j = 0; j < Tile::own_columns; ++j)
                if (row + i < part.rows && column + j < part.columns)
                    store(row + i, column + j, own[member].sums[i * Tile::own_columns + j]);
    });
}

} // namespace lockstep::grid
