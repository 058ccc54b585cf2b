// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/batched_matmul.hpp>
#include <lockstep/device/grid/matmul.hpp>
#include <lockstep/expression/convolution.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

/// Operations that are products of matrices and nothing else, as numbers: what a library is told.
namespace lockstep::grid {

/// result[rows, columns] = left[rows, depth] right[depth, columns], so often beside each other. All lie row-major, with
/// nothing between their rows; a transposed operand lies as its transpose does.
struct dense_product {
    std::int64_t rows = 0, columns = 0, depth = 0;
    bool left_transposed = false, right_transposed = false;
    std::int64_t places = 1;
    /// Elements from one place's operand to the next one's; 0 where all places share it.
    std::int64_t left_step = 0, right_step = 0;

    constexpr std::int64_t result_step() const { return rows * columns; }
    constexpr std::int64_t left_columns() const { return left_transposed ? rows : depth; }
    constexpr std::int64_t right_columns() const { return right_transposed ? depth : columns; }
    constexpr double flops() const {
        return 2.0 * static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(depth) *
               static_cast<double>(places);
    }
    /// Whether a library is worth it. Below, a device needs a few microseconds, about as long as a kernel's launch
    /// takes, whoever computes it, and our own kernels are those that are tested everywhere.
    constexpr bool is_large() const {
        constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
        return flops() >= 0x1p26 && std::max({rows, columns, depth, places}) <= most;
    }
};

/// Which product an expression over numbered operands is, of so many samples: of(samples). Its operands are the first
/// and the second one of the expression. `found`: whether it is one.
template <class E>
struct dense_product_of {
    static constexpr bool found = false;
};

template <class X, class W>
struct dense_product_of<compute<primitive::matmul, X, W>> {
    static constexpr bool found = true;
    static constexpr dense_product of(std::int64_t samples) {
        return {matrix_of<X>::rows(samples), matrix_of<W>::columns, matrix_of<X>::columns};
    }
};
template <class G, class W>
struct dense_product_of<compute<primitive::matmul_right_transposed, G, W>> {
    static constexpr bool found = true;
    static constexpr dense_product of(std::int64_t samples) {
        return {matrix_of<G>::rows(samples), W::result_shape::extents[0], matrix_of<G>::columns, false, true};
    }
};
template <class X, class G>
struct dense_product_of<compute<primitive::matmul_left_transposed, X, G>> {
    static constexpr bool found = true;
    static constexpr dense_product of(std::int64_t samples) {
        return {matrix_of<X>::columns, matrix_of<G>::columns, matrix_of<X>::rows(samples), true, false};
    }
};

template <primitive::transposed Which, class A, class B>
struct dense_product_of<compute<primitive::batched_matmul<Which>, A, B>> {
    using product = batched_product<double, Which, A, B>;
    /// One step leads from place to place. Not so where samples share matrices that differ from place to place.
    static constexpr bool found = A::per_sample == B::per_sample || product::places_of_sample == 1;
    static constexpr dense_product of(std::int64_t samples) {
        constexpr std::int64_t m = product::m, k = product::k, n = product::columns;
        constexpr bool one_left = !A::per_sample && B::per_sample, one_right = A::per_sample && !B::per_sample;
        return {.rows = m,
                .columns = n,
                .depth = k,
                .left_transposed = Which == primitive::transposed::left,
                .right_transposed = Which == primitive::transposed::right,
                .places = product::places(samples),
                .left_step = one_left ? 0 : m * k,
                .right_step = one_right ? 0 : k * n};
    }
};

/// A window of one pixel that misses none multiplies each pixel's channels by a matrix.
template <class Geometry>
struct pointwise : Geometry {
    using g = Geometry;
    static constexpr bool found = g::kernel_height == 1 && g::kernel_width == 1 && g::stride_height == 1 &&
                                  g::stride_width == 1 && g::padding_height == 0 && g::padding_width == 0 &&
                                  g::groups == 1;
    static constexpr std::int64_t pixels(std::int64_t samples) { return samples * g::in_height * g::in_width; }
};

template <class Window, int Groups, class X, class W>
struct dense_product_of<compute<primitive::convolution<Window, Groups>, X, W>> {
    using g = pointwise<typename primitive::convolution<Window, Groups>::template geometry<X, W>>;
    static constexpr bool found = g::found;
    static constexpr dense_product of(std::int64_t samples) {
        return {g::pixels(samples), g::out_channels, g::in_channels};
    }
};
template <class Geometry, class G, class W>
struct dense_product_of<compute<primitive::convolution_data_gradient<Geometry>, G, W>> {
    using g = pointwise<Geometry>;
    static constexpr bool found = g::found;
    static constexpr dense_product of(std::int64_t samples) {
        return {g::pixels(samples), g::in_channels, g::out_channels, false, true};
    }
};
template <class Geometry, class X, class G>
struct dense_product_of<compute<primitive::convolution_weight_gradient<Geometry>, X, G>> {
    using g = pointwise<Geometry>;
    static constexpr bool found = g::found;
    static constexpr dense_product of(std::int64_t samples) {
        return {g::in_channels, g::out_channels, g::pixels(samples), true, false};
    }
};

} // namespace lockstep::grid
