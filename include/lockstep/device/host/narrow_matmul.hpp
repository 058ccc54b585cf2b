// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile_matmul.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace lockstep::host {

/// Products whose result has fewer columns than a register has lanes: there the lanes run along the sum, or
/// along the rows of the result.
namespace narrow {

/// Columns up to which sums along the lanes beat half-empty registers.
template <class T>
inline constexpr int dot_columns = vector_lanes<T> / 2;

namespace detail {

// Rows [0, Rows) of the result, row r and column n in lane r * N + n.
template <int Rows, int N, int K, class T, int... Sum>
[[gnu::always_inline]] inline vector<T> dot_products(T const* a, T const* b,
                                                     std::integer_sequence<int, Sum...>) {
    constexpr int lanes = vector_lanes<T>;
    vector<T> sums[lanes] = {};
    for (int step = 0; step + lanes <= K; step += lanes)
        ((Sum < Rows * N ? void(sums[Sum] += load(a + Sum / N * K + step) * load(b + Sum % N * K + step))
                         : void()),
         ...);
    constexpr int rest = K % lanes;
    if constexpr (rest != 0)
        ((Sum < Rows * N ? void(sums[Sum] += load_part<rest>(a + Sum / N * K + K - rest) *
                                             load_part<rest>(b + Sum % N * K + K - rest))
                         : void()),
         ...);
    return sum_lanes<T>(sums);
}

} // namespace detail

/// c[m, N] = a[m, K] b[N, K]^T: dot products along the lanes, as many rows at once as fill a register with
/// results.
template <class T, int N, int K>
void matmul_nt(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    static_assert(N <= dot_columns<T>, "a narrow result has at most half a register of columns");
    constexpr int block = vector_lanes<T> / N;
    constexpr auto sums = std::make_integer_sequence<int, vector_lanes<T>>{};
    if (m >= block) {
        // The last block overlaps the one before it rather than being short: the same bits are written twice.
        for (std::int64_t row = 0; row < m; row += block) {
            std::int64_t const first = std::min(row, m - block);
            store_part<block * N>(c + first * N, detail::dot_products<block, N, K>(a + first * K, b, sums));
        }
    } else {
        for (std::int64_t row = 0; row < m; ++row)
            store_part<N>(c + row * N, detail::dot_products<1, N, K>(a + row * K, b, sums));
    }
    tail(0, m);
}

/// c[m, N] = a[m, K] b[K, N]: the same after transposing b.
template <class T, int N, int K>
void matmul_nn(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    static_assert(N * K * sizeof(T) <= tiles::packed_bytes, "a narrow right operand fits on the stack");
    T transposed[N * K];
    for (int step = 0; step < K; ++step)
        for (int column = 0; column < N; ++column) transposed[column * K + step] = b[step * N + column];
    narrow::matmul_nt<T, N, K>(a, transposed, c, m, tail);
}

/// c[M, N] = a[rows, M]^T b[rows, N]: the transpose of b^T a, which has long rows.
template <class T, int M, int N>
void matmul_tn(T const* a, T const* b, T* c, std::int64_t rows) {
    static_assert(N < vector_lanes<T>, "a narrow result has fewer columns than a register has lanes");
    column_panels<T, M>::for_each([&]<int Vectors, int LastLanes>(int column) {
        constexpr int width = Vectors * vector_lanes<T>;
        constexpr int used = (Vectors - 1) * vector_lanes<T> + LastLanes;
        using layout = product_layout<1, 0, N, M, width>;
        alignas(vector_bytes) T transposed[N * width];
        tiles::multiply_rows<layout, tiles::block_rows<Vectors>, Vectors, LastLanes>(b, a + column, transposed,
                                                                                     N, rows, false);
        T* to = c + std::int64_t{column} * N;
        if constexpr (N <= 2) {
            for (int m = 0; m < used; ++m)
                for (int n = 0; n < N; ++n) *to++ = transposed[n * width + m];
        } else {
            for (int first = 0; first < used; first += vector_lanes<T>) {
                vector<T> square[vector_lanes<T>] = {};
                for (int n = 0; n < N; ++n) square[n] = load(transposed + n * width + first);
                transpose<T>(square);
                for (int m = 0; m < vector_lanes<T> && first + m < used; ++m, to += N)
                    store_part<N>(to, square[m]);
            }
        }
    });
}

} // namespace narrow
} // namespace lockstep::host
