// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/library.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile_convolution.hpp>
#include <lockstep/shape/convolution.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {

/// Elements that a kernel needs for itself: allocated and set to zero at the first use, then kept.
template <class T>
class scratch {
public:
    T* get(std::int64_t size) {
        if (memory_.data() == nullptr) {
            memory_ = host_memory(static_cast<std::size_t>(size) * sizeof(T));
            std::fill_n(memory_.as<T>().data(), size, T{});
        }
        return memory_.as<T>().data();
    }

private:
    host_memory memory_;
};

} // namespace detail

/// Two-dimensional convolution and its gradients: images channels-last, weights [kernel_height][kernel_width]
/// [in_channels][out_channels]; `n` images; results are overwritten. A bias is an elementwise tail. One object
/// an operation and thread: it keeps its working memory, and only the first call of each kind allocates.
/// Everything runs on the calling thread. The register tiles serve both libraries: from 14x14 pixels on and with
/// stride 1 they came within a tenth of oneDNN's kernels on channels-last images, without reordering weights.
/// Slower than those: data gradients with a stride (the zeros are multiplied too) and images of a few pixels.
template <class T, class Geometry, class Library = default_library>
class convolution {
    using g = Geometry;

public:
    /// y[n] from x[n] and w; tail gets the pixels of y.
    void forward(T const* x, T const* w, T* y, std::int64_t n, row_tail tail = {}) {
        for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, y += g::output_size)
            product::forward(padded(x), w, y, sample * out_pixels, tail);
    }

    /// dx[n] from dy[n] and w; tail gets the pixels of dx. A convolution of dy, spread by the stride, with the
    /// kernel turned by half a turn.
    void data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail = {}) {
        T* const turned = turned_.get(g::weight_size);
        turn(w, turned);
        for (std::int64_t sample = 0; sample < n; ++sample, dy += g::output_size, dx += g::input_size)
            gradient_product::forward(spread(dy), turned, dx, sample * in_pixels, tail);
    }

    /// dw, summed over the images, from x[n] and dy[n]. Without images it is zero.
    void weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
        if (n == 0) std::fill_n(dw, g::weight_size, T{});
        for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, dy += g::output_size)
            product::weight_gradient(padded(x), dy, dw, sample > 0);
    }

private:
    static constexpr std::int64_t in_pixels = std::int64_t{g::in_height} * g::in_width;
    static constexpr std::int64_t out_pixels = std::int64_t{g::out_height} * g::out_width;
    static constexpr int padded_height = g::in_height + 2 * g::padding_height;
    static constexpr int padded_width = g::in_width + 2 * g::padding_width;
    // The image under the turned kernel: every position of dx has a whole kernel around it.
    static constexpr int spread_height = g::in_height + g::kernel_height - 1;
    static constexpr int spread_width = g::in_width + g::kernel_width - 1;

    using product = tiles::image_product<T, g::in_channels, padded_width, g::out_channels, g::out_height,
                                         g::out_width, g::kernel_height, g::kernel_width, g::stride_height,
                                         g::stride_width>;
    using gradient_product = tiles::image_product<T, g::out_channels, spread_width, g::in_channels, g::in_height,
                                                  g::in_width, g::kernel_height, g::kernel_width, 1, 1>;

    T const* padded(T const* x) {
        if constexpr (g::padding_height == 0 && g::padding_width == 0) {
            return x;
        } else {
            T* const image = padded_.get(std::int64_t{padded_height} * padded_width * g::in_channels);
            tiles::place_image<g::in_channels, g::in_height, g::in_width, padded_height, padded_width, 1, 1,
                               g::padding_height, g::padding_width>(x, image);
            return image;
        }
    }

    T const* spread(T const* dy) {
        if constexpr (g::kernel_height == 1 && g::kernel_width == 1 && g::stride_height == 1 &&
                      g::stride_width == 1 && g::padding_height == 0 && g::padding_width == 0) {
            return dy;
        } else {
            T* const image = spread_.get(std::int64_t{spread_height} * spread_width * g::out_channels);
            tiles::place_image<g::out_channels, g::out_height, g::out_width, spread_height, spread_width,
                               g::stride_height, g::stride_width, g::kernel_height - 1 - g::padding_height,
                               g::kernel_width - 1 - g::padding_width>(dy, image);
            return image;
        }
    }

    // turned[kh][kw][oc][ic] = w[KH - 1 - kh][KW - 1 - kw][ic][oc]
    static void turn(T const* w, T* turned) {
        constexpr int taps = g::kernel_height * g::kernel_width;
        constexpr std::int64_t tap_size = std::int64_t{g::in_channels} * g::out_channels;
        for (int tap = 0; tap < taps; ++tap) {
            T const* const from = w + (taps - 1 - tap) * tap_size;
            T* const to = turned + tap * tap_size;
            for (std::int64_t oc = 0; oc < g::out_channels; ++oc)
                for (std::int64_t ic = 0; ic < g::in_channels; ++ic)
                    to[oc * g::in_channels + ic] = from[ic * g::out_channels + oc];
        }
    }

    detail::scratch<T> padded_;
    detail::scratch<T> spread_;
    detail::scratch<T> turned_;
};

} // namespace lockstep::host
