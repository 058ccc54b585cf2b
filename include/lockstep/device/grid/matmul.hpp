// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/operand.hpp>
#include <lockstep/device/grid/product.hpp>
#include <lockstep/expression/matmul.hpp>

#include <cstdint>

namespace lockstep::grid {

/// Rows of a value whose axes but the last are the rows of one matrix, together with the samples.
template <class E>
struct matrix_of {
    static constexpr std::int64_t columns = E::result_shape::extents[E::result_shape::rank - 1];
    static constexpr std::int64_t sample_rows = E::result_shape::size / columns;
    static constexpr std::int64_t rows(std::int64_t samples) { return sample_rows * (E::per_sample ? samples : 1); }
};

/// One product for the whole batch: its result is row-major and has nothing between its rows.
template <std::int64_t Columns>
struct one_product {
    static constexpr std::int64_t columns = Columns;
    static constexpr std::int64_t places(std::int64_t) { return 1; }
    static constexpr std::int64_t row_start(std::int64_t, std::int64_t row) { return row * Columns; }
};

/// X[rows, K] W[K, N].
template <class T, class X, class W>
struct matmul_product : one_product<matrix_of<W>::columns> {
    using x = matrix_of<X>;
    using tile = tile_for<x::rows(typical_samples), matmul_product::columns>;

    static constexpr std::int64_t rows(std::int64_t samples) { return x::rows(samples); }
    static constexpr std::int64_t depth(std::int64_t) { return x::columns; }
    static constexpr std::int64_t result_size(std::int64_t samples) { return rows(samples) * matmul_product::columns; }
    static constexpr auto left(call const& c, std::int64_t) {
        return matrix_rows<stored<T, X>, x::columns>{elements_of<T, X>(c)};
    }
    static constexpr auto right(call const& c, std::int64_t) {
        return matrix_columns<stored<T, W>, matmul_product::columns>{{elements_of<T, W>(c)}};
    }
};

/// G[rows, N] W[K, N]^T.
template <class T, class G, class W>
struct matmul_right_transposed_product : one_product<W::result_shape::extents[0]> {
    using g = matrix_of<G>;
    using tile = tile_for<g::rows(typical_samples), matmul_right_transposed_product::columns>;

    static constexpr std::int64_t rows(std::int64_t samples) { return g::rows(samples); }
    static constexpr std::int64_t depth(std::int64_t) { return g::columns; }
    static constexpr std::int64_t result_size(std::int64_t samples) {
        return rows(samples) * matmul_right_transposed_product::columns;
    }
    static constexpr auto left(call const& c, std::int64_t) {
        return matrix_rows<stored<T, G>, g::columns>{elements_of<T, G>(c)};
    }
    static constexpr auto right(call const& c, std::int64_t) {
        return matrix_rows<stored<T, W>, g::columns>{elements_of<T, W>(c)};
    }
};

/// X[rows, K]^T G[rows, N], a sum over all rows of all samples.
template <class T, class X, class G>
struct matmul_left_transposed_product : one_product<matrix_of<G>::columns> {
    using x = matrix_of<X>;
    using tile = tile_for<x::columns, matmul_left_transposed_product::columns>;

    static constexpr std::int64_t rows(std::int64_t) { return x::columns; }
    static constexpr std::int64_t depth(std::int64_t samples) { return x::rows(samples); }
    static constexpr std::int64_t result_size(std::int64_t) {
        return x::columns * matmul_left_transposed_product::columns;
    }
    static constexpr auto left(call const& c, std::int64_t) {
        return matrix_columns<stored<T, X>, x::columns>{{elements_of<T, X>(c)}};
    }
    static constexpr auto right(call const& c, std::int64_t) {
        return matrix_columns<stored<T, G>, matmul_left_transposed_product::columns>{{elements_of<T, G>(c)}};
    }
};

template <class T, class X, class W, class R>
struct kernels_for<T, compute<primitive::matmul, X, W>, R> : product_kernels<T, R, matmul_product<T, X, W>> {};
template <class T, class G, class W, class R>
struct kernels_for<T, compute<primitive::matmul_right_transposed, G, W>, R>
    : product_kernels<T, R, matmul_right_transposed_product<T, G, W>> {};
template <class T, class X, class G, class R>
struct kernels_for<T, compute<primitive::matmul_left_transposed, X, G>, R>
    : product_kernels<T, R, matmul_left_transposed_product<T, X, G>> {};

} // namespace lockstep::grid
