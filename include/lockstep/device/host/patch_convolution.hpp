// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/matmul.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/scratch.hpp>
#include <lockstep/shape/convolution.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Convolutions of many channels in images of a few pixels, as products of matrices: their weights are larger than
/// a cache, so the pixels of several images share one pass over them. A row of the matrix of patches is what lies
/// under the kernel at one output pixel.
template <class T, class Geometry, class Library>
class patch_convolution {
    using g = Geometry;
    static_assert(g::groups == 1);

public:
    void forward(T const* x, T const* w, T* y, std::int64_t n, row_tail tail) {
        T* const patches = patches_.get(images_at_once * out_pixels * patch);
        for (std::int64_t first = 0; first < n; first += images_at_once) {
            std::int64_t const images = std::min(images_at_once, n - first);
            for (int tap = 0; tap < taps; ++tap)
                gather(x + first * g::input_size, images, tap, patches + std::int64_t{tap} * g::in_channels, patch);
            matmul_nn<T, g::out_channels, patch, Library>(patches, w, y + first * g::output_size, images * out_pixels);
            tail(first * out_pixels, images * out_pixels);
        }
    }

    void data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail) {
        T* const patches = patches_.get(images_at_once * out_pixels * patch);
        for (std::int64_t first = 0; first < n; first += images_at_once) {
            std::int64_t const images = std::min(images_at_once, n - first);
            matmul_nt<T, patch, g::out_channels, Library>(dy + first * g::output_size, w, patches, images * out_pixels);
            T* const target = dx + first * g::input_size;
            std::fill_n(target, images * g::input_size, T{});
            for (int tap = 0; tap < taps; ++tap)
                for_each_pixel(images, tap, [&](std::int64_t out, std::int64_t in) {
                    if (in < 0) return;
                    T const* const from = patches + out * patch + std::int64_t{tap} * g::in_channels;
                    T* const to = target + in * g::in_channels;
                    for (int channel = 0; channel < g::in_channels; ++channel) to[channel] += from[channel];
                });
            tail(first * in_pixels, images * in_pixels);
        }
    }

    /// One tap of the kernel after the other, each over the pixels of all images.
    void weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
        T* const pixels = pixels_.get(n * out_pixels * g::in_channels);
        for (int tap = 0; tap < taps; ++tap) {
            gather(x, n, tap, pixels, g::in_channels);
            matmul_tn<T, g::in_channels, g::out_channels, Library>(
                pixels, dy, dw + std::int64_t{tap} * g::in_channels * g::out_channels, n * out_pixels);
        }
    }

private:
    static constexpr std::int64_t in_pixels = std::int64_t{g::in_height} * g::in_width;
    static constexpr std::int64_t out_pixels = std::int64_t{g::out_height} * g::out_width;
    static constexpr int taps = g::kernel_height * g::kernel_width;
    static constexpr int patch = taps * g::in_channels;
    static constexpr std::int64_t images_at_once = (tiles::row_block + out_pixels - 1) / out_pixels;

    /// Calls visit(output pixel, input pixel under the tap or -1) for the output pixels of all images.
    template <class Visit>
    static void for_each_pixel(std::int64_t images, int tap, Visit visit) {
        int const row_offset = tap / g::kernel_width * g::dilation_height - g::padding_height;
        int const column_offset = tap % g::kernel_width * g::dilation_width - g::padding_width;
        std::int64_t out = 0;
        for (std::int64_t image = 0; image < images; ++image)
            for (int out_row = 0; out_row < g::out_height; ++out_row)
                for (int out_column = 0; out_column < g::out_width; ++out_column, ++out) {
                    int const row = out_row * g::stride_height + row_offset;
                    int const column = out_column * g::stride_width + column_offset;
                    bool const inside = row >= 0 && row < g::in_height && column >= 0 && column < g::in_width;
                    visit(out, inside ? image * in_pixels + std::int64_t{row} * g::in_width + column : -1);
                }
    }

    /// to[output pixel][channels], `stride` elements apart: the pixels under a tap, zero in the padding.
    static void gather(T const* x, std::int64_t images, int tap, T* to, std::int64_t stride) {
        for_each_pixel(images, tap, [&](std::int64_t out, std::int64_t in) {
            if (in < 0) std::fill_n(to + out * stride, g::in_channels, T{});
            else std::copy_n(x + in * g::in_channels, g::in_channels, to + out * stride);
        });
    }

    scratch<T> patches_;
    scratch<T> pixels_;
};

} // namespace lockstep::host
