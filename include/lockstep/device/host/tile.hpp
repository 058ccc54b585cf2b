// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/vector.hpp>

#include <cstdint>
#include <utility>

namespace lockstep::host {

/// How many rows a register tile has at most that is `vectors` registers wide: its sums, one row of the right
/// operand and one element of the left fill the register file.
constexpr int tile_rows(int vectors) { return (vector_registers - 1 - vectors) / vectors; }

/// The widest register tile.
inline constexpr int tile_vectors = 3;

/// Where the elements of the left operand of a product lie whose sum runs over `outer` x `steps`: element
/// (row, o, s) at row * Row + o * Outer + s * Step. That of the right operand lies at (o * steps + s) * Right,
/// row `row` of the result at row * Result.
template <std::int64_t Row, std::int64_t Outer, std::int64_t Step, std::int64_t Right, std::int64_t Result>
struct product_layout {
    static constexpr std::int64_t left_row(int row) { return row * Row; }
    static constexpr std::int64_t left_outer = Outer;
    static constexpr std::int64_t left_step = Step;
    static constexpr std::int64_t right_step = Right;
    static constexpr std::int64_t result_row = Result;
};

namespace detail {

// The index sequence (and not a loop) gives every sum a constant index from the start, so that all of them
// live in registers at any level of optimization.
template <class Layout, int Vectors, int LastLanes, class T, int... Sum, int... Vector>
[[gnu::always_inline]] inline void multiply_tile(T const* left, T const* right, T* result, std::int64_t outer,
                                                 std::int64_t steps, bool accumulate,
                                                 std::integer_sequence<int, Sum...>,
                                                 std::integer_sequence<int, Vector...>) {
    constexpr int lanes = vector_lanes<T>;
    vector<T> sums[sizeof...(Sum)];
    vector<T> row[Vectors];
    if (accumulate)
        ((sums[Sum] = load_part<(Sum % Vectors == Vectors - 1 ? LastLanes : lanes)>(
              result + Sum / Vectors * Layout::result_row + Sum % Vectors * lanes)),
         ...);
    else
        ((sums[Sum] = zeros<vector<T>>()), ...);
    for (std::int64_t o = 0; o < outer; ++o) {
        T const* from = left + o * Layout::left_outer;
        for (std::int64_t s = 0; s < steps; ++s) {
            ((row[Vector] = load_part<(Vector == Vectors - 1 ? LastLanes : lanes)>(right + Vector * lanes)), ...);
            ((sums[Sum] += from[Layout::left_row(Sum / Vectors)] * row[Sum % Vectors]), ...);
            from += Layout::left_step;
            right += Layout::right_step;
        }
    }
    ((store_part<(Sum % Vectors == Vectors - 1 ? LastLanes : lanes)>(
         result + Sum / Vectors * Layout::result_row + Sum % Vectors * lanes, sums[Sum])),
     ...);
}

} // namespace detail

/// result (+)= left * right for a tile of `Rows` rows and `Vectors` registers of columns, the last of which
/// has `LastLanes` columns; one pass over the sum, everything in registers.
template <class Layout, int Rows, int Vectors, int LastLanes, class T>
[[gnu::noinline]] void multiply_tile(T const* left, T const* right, T* result, std::int64_t outer,
                                     std::int64_t steps, bool accumulate) {
    detail::multiply_tile<Layout, Vectors, LastLanes>(left, right, result, outer, steps, accumulate,
                                                      std::make_integer_sequence<int, Rows * Vectors>{},
                                                      std::make_integer_sequence<int, Vectors>{});
}

/// The columns of a matrix cut into panels of nearly equal width, each a register tile wide; the last one may
/// end in a partial register.
template <class T, int Columns>
struct column_panels {
    static constexpr int lanes = vector_lanes<T>;
    static constexpr int vectors = (Columns + lanes - 1) / lanes;
    static constexpr int count = (vectors + tile_vectors - 1) / tile_vectors;
    static constexpr int last_lanes = Columns - (vectors - 1) * lanes;

    /// Registers in panel `index`, and columns before it: the wider panels come first.
    static constexpr int width(int index) { return vectors / count + (index < vectors % count ? 1 : 0); }
    static constexpr int first(int index) {
        int const wider = index < vectors % count ? index : vectors % count;
        return (index * (vectors / count) + wider) * lanes;
    }

    /// Calls visit.operator()<Vectors, LastLanes>(first_column) for panel after panel.
    template <class Visit>
    [[gnu::always_inline]] static void for_each(Visit&& visit) {
        constexpr int wide = vectors / count + 1;
        constexpr int narrow = vectors / count;
        constexpr int wide_count = vectors % count;
        constexpr int full = last_lanes == lanes ? count : count - 1;
        int index = 0;
        if constexpr (wide_count > 0)
            for (; index < wide_count; ++index) visit.template operator()<wide, lanes>(first(index));
        if constexpr (wide_count < full)
            for (; index < full; ++index) visit.template operator()<narrow, lanes>(first(index));
        if constexpr (full < count) visit.template operator()<narrow, last_lanes>(first(index));
    }
};

} // namespace lockstep::host
