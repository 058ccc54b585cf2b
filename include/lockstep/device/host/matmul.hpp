// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/library.hpp>
#include <lockstep/device/host/narrow_matmul.hpp>
#include <lockstep/device/host/onednn.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile_matmul.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {
/// Elements of the fixed matrix from which oneDNN's sgemm beats the register tiles: what no longer fits into
/// a second-level cache beside the rest. (Measured; between here and there both are within a tenth.)
inline constexpr std::int64_t library_elements = 256 * 1024;

/// Right operands that a dot product along the lanes is for.
template <class T, int N, int K>
inline constexpr bool dot_product = N <= narrow::dot_columns<T> && K >= vector_lanes<T> &&
                                    std::int64_t{N} * K * sizeof(T) <= tiles::packed_bytes;
} // namespace detail

/// c[m, N] = a[m, K] b[K, N], all row-major; c is overwritten, then tail runs over its rows. The forward
/// product of a linear layer. On the calling thread alone.
template <class T, int N, int K, class Library = default_library>
void matmul_nn(T const* a, T const* b, T* c, std::int64_t m, row_tail tail = {}) {
    if constexpr (library_matmul<T, Library>::found && std::int64_t{N} * K >= detail::library_elements) {
        if (m > 0) library_matmul<T, Library>::multiply('N', 'N', m, N, K, a, K, b, N, c);
        tail(0, m);
    } else if constexpr (detail::dot_product<T, N, K>) {
        narrow::matmul_nn<T, N, K>(a, b, c, m, tail);
    } else {
        tiles::matmul_nn<T, N, K>(a, b, c, m, tail);
    }
}

/// c[m, N] = a[m, K] b[N, K]^T: the gradient of that product with respect to its left operand.
template <class T, int N, int K, class Library = default_library>
void matmul_nt(T const* a, T const* b, T* c, std::int64_t m, row_tail tail = {}) {
    if constexpr (library_matmul<T, Library>::found && std::int64_t{N} * K >= detail::library_elements) {
        if (m > 0) library_matmul<T, Library>::multiply('N', 'T', m, N, K, a, K, b, K, c);
        tail(0, m);
    } else if constexpr (detail::dot_product<T, N, K>) {
        narrow::matmul_nt<T, N, K>(a, b, c, m, tail);
    } else {
        tiles::matmul_nt<T, N, K>(a, b, c, m, tail);
    }
}

/// c[M, N] = a[rows, M]^T b[rows, N]: the gradient with respect to the right operand, a sum over the rows.
/// Without rows it is zero.
template <class T, int M, int N, class Library = default_library>
void matmul_tn(T const* a, T const* b, T* c, std::int64_t rows) {
    // Of no rows the operands may be null, which has no columns to point at.
    if (rows == 0) std::fill_n(c, std::int64_t{M} * N, T{});
    else if constexpr (library_matmul<T, Library>::found && std::int64_t{M} * N >= 4 * detail::library_elements)
        library_matmul<T, Library>::multiply('T', 'N', M, N, rows, a, M, b, N, c);
    else if constexpr (N < vector_lanes<T> && M >= vector_lanes<T>)
        narrow::matmul_tn<T, M, N>(a, b, c, rows);
    else
        tiles::matmul_tn<T, M, N>(a, b, c, rows);
}

} // namespace lockstep::host
