// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Matrix products on register tiles. Three loops around the tile, from the outside: blocks of rows, panels
/// of columns, blocks of the sum. The piece of the right operand that a panel and a block of the sum need is
/// read where it lies if it is small, else copied (or transposed) next to each other on the stack once per
/// block of rows. The sums of one element are added in the order of the index, block after block.
namespace tiles {

/// Bytes of the right operand that are worth keeping at hand, about half of a first-level cache.
inline constexpr int packed_bytes = 24 * 1024;

/// Rows of the result between two visits of the same columns: they should stay in the second-level cache.
inline constexpr std::int64_t row_block = 128;

/// Rows of a tile where the number of rows is known at run time only: powers of two leave short remainders.
template <int Vectors>
inline constexpr int block_rows = tile_rows(Vectors) >= 16 ? 16 : tile_rows(Vectors) >= 8 ? 8 : 4;

/// All rows of one panel: full tiles, then smaller ones for what is left.
template <class Layout, int Rows, int Vectors, int LastLanes, class T>
[[gnu::always_inline]] inline void multiply_rows(T const* left, T const* right, T* result, std::int64_t rows,
                                                 std::int64_t steps, bool accumulate) {
    std::int64_t row = 0;
    for (; row + Rows <= rows; row += Rows)
        multiply_tile<Layout, Rows, Vectors, LastLanes>(left + row * Layout::left_row(1), right,
                                                        result + row * Layout::result_row, 1, steps, accumulate);
    if constexpr (Rows > 1)
        if (row < rows)
            multiply_rows<Layout, Rows / 2, Vectors, LastLanes>(left + row * Layout::left_row(1), right,
                                                                result + row * Layout::result_row, rows - row,
                                                                steps, accumulate);
}

/// packed[step][column] = b[step][column].
template <int Vectors, int LastLanes, int Stride, class T>
void pack(T const* b, T* packed, std::int64_t steps) {
    constexpr int lanes = vector_lanes<T>;
    for (std::int64_t step = 0; step < steps; ++step, b += Stride, packed += Vectors * lanes) {
        for (int v = 0; v + 1 < Vectors; ++v) store(packed + v * lanes, load(b + v * lanes));
        store(packed + (Vectors - 1) * lanes, load_part<LastLanes>(b + (Vectors - 1) * lanes));
    }
}

// A square of b[column][step], transposed; `Steps` and `Columns` of it are there.
template <int Steps, int Columns, int Stride, int PackedStride, class T>
[[gnu::always_inline]] inline void pack_square(T const* b, T* packed) {
    vector<T> square[vector_lanes<T>];
    for (int column = 0; column < vector_lanes<T>; ++column)
        square[column] = column < Columns ? load_part<Steps>(b + std::int64_t{column} * Stride) : zeros<vector<T>>();
    transpose<T>(square);
    for (int step = 0; step < Steps; ++step) store(packed + step * PackedStride, square[step]);
}

/// packed[step][column] = b[column][step]; the steps end with those of the matrix or after whole registers.
template <int Vectors, int LastLanes, int Stride, class T>
void pack_transposed(T const* b, T* packed, std::int64_t steps) {
    constexpr int lanes = vector_lanes<T>;
    constexpr int last_steps = Stride % lanes;
    constexpr int packed_stride = Vectors * lanes;
    for (int v = 0; v < Vectors; ++v, b += std::int64_t{lanes} * Stride, packed += lanes) {
        std::int64_t step = 0;
        if (LastLanes == lanes || v + 1 < Vectors) {
            for (; step + lanes <= steps; step += lanes)
                pack_square<lanes, lanes, Stride, packed_stride>(b + step, packed + step * packed_stride);
            if constexpr (last_steps != 0)
                if (step < steps)
                    pack_square<last_steps, lanes, Stride, packed_stride>(b + step,
                                                                          packed + step * packed_stride);
        } else {
            for (; step + lanes <= steps; step += lanes)
                pack_square<lanes, LastLanes, Stride, packed_stride>(b + step, packed + step * packed_stride);
            if constexpr (last_steps != 0)
                if (step < steps)
                    pack_square<last_steps, LastLanes, Stride, packed_stride>(b + step,
                                                                              packed + step * packed_stride);
        }
    }
}

/// Steps of the sum for which the packed panel fits, whole registers.
template <class T, int Vectors>
inline constexpr std::int64_t step_block = packed_bytes / (Vectors * vector_bytes) / vector_lanes<T> *
                                           vector_lanes<T>;

/// c[m, N] = a[m, K] b[K, N].
template <class T, int N, int K>
void matmul_nn(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    constexpr bool at_hand = std::int64_t{N} * K * sizeof(T) <= 2 * packed_bytes;
    for (std::int64_t first = 0; first < m; first += row_block) {
        std::int64_t const rows = std::min(row_block, m - first);
        column_panels<T, N>::for_each([&]<int Vectors, int LastLanes>(int column) {
            if constexpr (at_hand) {
                using layout = product_layout<K, 0, 1, N, N>;
                multiply_rows<layout, block_rows<Vectors>, Vectors, LastLanes>(
                    a + first * K, b + column, c + first * N + column, rows, K, false);
            } else {
                constexpr int width = Vectors * vector_lanes<T>;
                using layout = product_layout<K, 0, 1, width, N>;
                alignas(vector_bytes) T packed[step_block<T, Vectors> * width];
                for (std::int64_t step = 0; step < K; step += step_block<T, Vectors>) {
                    std::int64_t const steps = std::min(step_block<T, Vectors>, K - step);
                    pack<Vectors, LastLanes, N>(b + step * N + column, packed, steps);
                    multiply_rows<layout, block_rows<Vectors>, Vectors, LastLanes>(
                        a + first * K + step, packed, c + first * N + column, rows, steps, step > 0);
                }
            }
        });
        tail(first, rows);
    }
}

/// c[m, N] = a[m, K] b[N, K]^T.
template <class T, int N, int K>
void matmul_nt(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    for (std::int64_t first = 0; first < m; first += row_block) {
        std::int64_t const rows = std::min(row_block, m - first);
        column_panels<T, N>::for_each([&]<int Vectors, int LastLanes>(int column) {
            constexpr int width = Vectors * vector_lanes<T>;
            using layout = product_layout<K, 0, 1, width, N>;
            alignas(vector_bytes) T packed[std::min<std::int64_t>(step_block<T, Vectors>, K) * width];
            for (std::int64_t step = 0; step < K; step += step_block<T, Vectors>) {
                std::int64_t const steps = std::min(step_block<T, Vectors>, K - step);
                pack_transposed<Vectors, LastLanes, K>(b + std::int64_t{column} * K + step, packed, steps);
                multiply_rows<layout, block_rows<Vectors>, Vectors, LastLanes>(
                    a + first * K + step, packed, c + first * N + column, rows, steps, step > 0);
            }
        });
        tail(first, rows);
    }
}

/// c[M, N] = a[rows, M]^T b[rows, N].
template <class T, int M, int N>
void matmul_tn(T const* a, T const* b, T* c, std::int64_t rows) {
    constexpr std::int64_t block = step_block<T, tile_vectors>;
    if (rows == 0) std::fill_n(c, std::int64_t{M} * N, T{});
    for (std::int64_t first = 0; first < rows; first += block) {
        std::int64_t const steps = std::min(block, rows - first);
        column_panels<T, N>::for_each([&]<int Vectors, int LastLanes>(int column) {
            constexpr int width = Vectors * vector_lanes<T>;
            if (N <= 2 * width || steps < 32) {
                using layout = product_layout<1, 0, M, N, N>;
                multiply_rows<layout, block_rows<Vectors>, Vectors, LastLanes>(
                    a + first * M, b + first * N + column, c + column, M, steps, first > 0);
            } else {
                using layout = product_layout<1, 0, M, width, N>;
                alignas(vector_bytes) T packed[step_block<T, tile_vectors> * width];
                pack<Vectors, LastLanes, N>(b + first * N + column, packed, steps);
                multiply_rows<layout, block_rows<Vectors>, Vectors, LastLanes>(
                    a + first * M, packed, c + column, M, steps, first > 0);
            }
        });
    }
}

} // namespace tiles
} // namespace lockstep::host
