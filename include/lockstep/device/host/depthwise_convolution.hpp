// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/channel_registers.hpp>
#include <lockstep/device/host/tile_convolution.hpp>

#include <cstdint>

namespace lockstep::host::tiles {

/// A convolution without padding in which every channel has a kernel of its own: as image_product, with
/// pixel_stride channels at once, along the lanes. Weights are [kernel height][kernel width][channels].
template <class T, product_sizes Sizes>
struct depthwise_product {
    static constexpr product_sizes s = Sizes;
    static_assert(s.channels == 1 && s.out_channels == 1 && s.pixel_stride == s.out_stride);
    static constexpr int channels = s.pixel_stride;
    static constexpr std::int64_t image_row = std::int64_t{s.image_width} * channels;
    /// Sums that are kept in registers.
    static constexpr int sums_at_once = vector_registers / 2;

    static void forward(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        constexpr std::int64_t pixel_step = std::int64_t{s.stride_width} * channels;
        for (std::int64_t row = 0; row < s.out_height; ++row) {
            T const* const under = image + row * s.stride_height * image_row;
            T* const to = y + row * s.out_width * channels;
            detail::for_each_register<T, channels>([&]<int Lanes>(int channel) {
                for_each_piece<sums_at_once, 1, s.out_width>([&]<int Pixels>(int, int column) {
                    vector<T> sums[Pixels]{};
                    for_each_tap([&](std::int64_t tap, std::int64_t offset) {
                        vector<T> const weight = load_part<Lanes>(w + tap * channels + channel);
                        T const* const from = under + offset + column * pixel_step + channel;
                        for (int p = 0; p < Pixels; ++p) sums[p] += load_part<Lanes>(from + p * pixel_step) * weight;
                    });
                    for (int p = 0; p < Pixels; ++p)
                        store_part<Lanes>(to + (std::int64_t{column} + p) * channels + channel, sums[p]);
                });
            });
            tail(first + row * s.out_width, s.out_width);
        }
    }

    static void weight_gradient(T const* image, T const* dy, T* dw, bool accumulate) {
        detail::for_each_register<T, channels>([&]<int Lanes>(int channel) {
            for (std::int64_t kernel = 0; kernel < s.kernel_height; ++kernel)
                for_each_piece<sums_at_once, 1, s.kernel_width>([&]<int Taps>(int, int tap) {
                    T const* const under = image + kernel * s.dilation_height * image_row +
                                           std::int64_t{tap} * s.dilation_width * channels + channel;
                    T* const to = dw + (kernel * s.kernel_width + tap) * channels + channel;
                    vector<T> sums[Taps]{};
                    if (accumulate)
                        for (int t = 0; t < Taps; ++t) sums[t] = load_part<Lanes>(to + t * channels);
                    for (std::int64_t row = 0; row < s.out_height; ++row)
                        for (std::int64_t column = 0; column < s.out_width; ++column) {
                            vector<T> const upstream =
                                load_part<Lanes>(dy + (row * s.out_width + column) * channels + channel);
                            T const* const from =
                                under + row * s.stride_height * image_row + column * s.stride_width * channels;
                            for (int t = 0; t < Taps; ++t)
                                sums[t] += load_part<Lanes>(from + std::int64_t{t} * s.dilation_width * channels) *
                                           upstream;
                        }
                    for (int t = 0; t < Taps; ++t) store_part<Lanes>(to + t * channels, sums[t]);
                });
        });
    }

private:
    /// Calls visit(number of the kernel's pixel, offset of the image's).
    template <class Visit>
    [[gnu::always_inline]] static void for_each_tap(Visit&& visit) {
        for (std::int64_t kernel = 0; kernel < s.kernel_height; ++kernel)
            for (std::int64_t column = 0; column < s.kernel_width; ++column)
                visit(kernel * s.kernel_width + column,
                      kernel * s.dilation_height * image_row + column * s.dilation_width * channels);
    }
};

} // namespace lockstep::host::tiles
