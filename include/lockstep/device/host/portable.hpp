// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Plain loops, with the innermost along memory. They say what the kernels compute and are what the tests
/// compare them with.
namespace loops {

/// c[m, N] = a[m, K] b[K, N].
template <class T, int N, int K>
void matmul_nn(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    for (std::int64_t row = 0; row < m; ++row) {
        T* const to = c + row * N;
        std::fill_n(to, N, T{});
        for (std::int64_t k = 0; k < K; ++k)
            for (std::int64_t column = 0; column < N; ++column) to[column] += a[row * K + k] * b[k * N + column];
        tail(row, 1);
    }
}

/// c[m, N] = a[m, K] b[N, K]^T.
template <class T, int N, int K>
void matmul_nt(T const* a, T const* b, T* c, std::int64_t m, row_tail tail) {
    for (std::int64_t row = 0; row < m; ++row) {
        for (std::int64_t column = 0; column < N; ++column) {
            T sum{};
            for (std::int64_t k = 0; k < K; ++k) sum += a[row * K + k] * b[column * K + k];
            c[row * N + column] = sum;
        }
        tail(row, 1);
    }
}

/// c[M, N] = a[rows, M]^T b[rows, N].
template <class T, int M, int N>
void matmul_tn(T const* a, T const* b, T* c, std::int64_t rows) {
    std::fill_n(c, std::int64_t{M} * N, T{});
    for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t row = 0; row < M; ++row)
            for (std::int64_t column = 0; column < N; ++column)
                c[row * N + column] += a[r * M + row] * b[r * N + column];
}

/// Calls visit(x offset, weight offset, y offset) for every output pixel, every kernel position that lies inside
/// the image and every group of channels; the offsets are those of the group's first channel within one sample.
template <class Geometry, class Visit>
void for_each_tap(std::int64_t out_row, Visit visit) {
    using g = Geometry;
    for (std::int64_t out_column = 0; out_column < g::out_width; ++out_column)
        for (std::int64_t ky = 0; ky < g::kernel_height; ++ky)
            for (std::int64_t kx = 0; kx < g::kernel_width; ++kx) {
                std::int64_t const row = out_row * g::stride_height + ky * g::dilation_height - g::padding_height;
                std::int64_t const column = out_column * g::stride_width + kx * g::dilation_width - g::padding_width;
                if (row < 0 || row >= g::in_height || column < 0 || column >= g::in_width) continue;
                for (std::int64_t group = 0; group < g::groups; ++group)
                    visit((row * g::in_width + column) * g::in_channels + group * g::group_in,
                          (ky * g::kernel_width + kx) * g::group_in * g::out_channels + group * g::group_out,
                          (out_row * g::out_width + out_column) * g::out_channels + group * g::group_out);
            }
}

/// y[n][oh][ow][oc] = sum of x[n][oh stride + kh dilation - padding][...][ic] w[kh][kw][ic][oc], over the input
/// channels of oc's group.
template <class T, class Geometry>
void convolution(T const* x, T const* w, T* y, std::int64_t n, row_tail tail) {
    using g = Geometry;
    std::fill_n(y, n * g::output_size, T{});
    for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, y += g::output_size)
        for (std::int64_t row = 0; row < g::out_height; ++row) {
            for_each_tap<g>(row, [=](std::int64_t from, std::int64_t weight, std::int64_t to) {
                for (std::int64_t ic = 0; ic < g::group_in; ++ic)
                    for (std::int64_t oc = 0; oc < g::group_out; ++oc)
                        y[to + oc] += x[from + ic] * w[weight + ic * g::out_channels + oc];
            });
            tail((sample * g::out_height + row) * g::out_width, g::out_width);
        }
}

/// The gradient with respect to x from that with respect to y.
template <class T, class Geometry>
void convolution_data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail) {
    using g = Geometry;
    constexpr std::int64_t pixels = std::int64_t{g::in_height} * g::in_width;
    std::fill_n(dx, n * g::input_size, T{});
    for (std::int64_t sample = 0; sample < n; ++sample, dx += g::input_size, dy += g::output_size) {
        for (std::int64_t row = 0; row < g::out_height; ++row)
            for_each_tap<g>(row, [=](std::int64_t to, std::int64_t weight, std::int64_t from) {
                for (std::int64_t ic = 0; ic < g::group_in; ++ic)
                    for (std::int64_t oc = 0; oc < g::group_out; ++oc)
                        dx[to + ic] += dy[from + oc] * w[weight + ic * g::out_channels + oc];
            });
        tail(sample * pixels, pixels);
    }
}

/// The gradient with respect to w, summed over the samples.
template <class T, class Geometry>
void convolution_weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
    using g = Geometry;
    std::fill_n(dw, g::weight_size, T{});
    for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, dy += g::output_size)
        for (std::int64_t row = 0; row < g::out_height; ++row)
            for_each_tap<g>(row, [=](std::int64_t from, std::int64_t weight, std::int64_t upstream) {
                for (std::int64_t ic = 0; ic < g::group_in; ++ic)
                    for (std::int64_t oc = 0; oc < g::group_out; ++oc)
                        dw[weight + ic * g::out_channels + oc] += x[from + ic] * dy[upstream + oc];
            });
}

} // namespace loops
} // namespace lockstep::host
