// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

namespace raw {

/// The three products of a convolution as loops over channels-last images: channels, which lie next to each other, are
/// the innermost loop and their number is constant. Groups are one, or one for each channel.
template <class Geometry>
struct window_loops {
    using g = Geometry;
    static constexpr int out = g::out_channels;
    static constexpr std::int64_t place_size = std::int64_t{g::group_in} * out;
    static constexpr bool depthwise = g::groups > 1;
    static_assert(!depthwise || (g::groups == g::in_channels && g::groups == g::out_channels));

    static void forward(float const* x, float const* w, float* __restrict y, int samples) {
        for (int n = 0; n < samples; ++n, x += g::input_size)
            for (int row = 0; row < g::out_height; ++row)
                for (int column = 0; column < g::out_width; ++column, y += out) {
                    float sums[out] = {};
                    for_window(row, column, [&](std::int64_t pixel, std::int64_t place) {
                        float const *in = x + pixel * g::in_channels, *weights = w + place * place_size;
                        if constexpr (depthwise)
                            for (int c = 0; c < out; ++c) sums[c] += in[c] * weights[c];
                        else
                            for (int i = 0; i < g::in_channels; ++i)
                                for (int c = 0; c < out; ++c) sums[c] += in[i] * weights[i * out + c];
                    });
                    std::copy_n(sums, out, y);
                }
    }

    static void data_gradient(float const* dy, float const* w, float* __restrict dx, int samples) {
        std::fill_n(dx, g::input_size * samples, 0.0f);
        for (int n = 0; n < samples; ++n, dx += g::input_size)
            for (int row = 0; row < g::out_height; ++row)
                for (int column = 0; column < g::out_width; ++column, dy += out)
                    for_window(row, column, [&](std::int64_t pixel, std::int64_t place) {
                        float* __restrict const in = dx + pixel * g::in_channels;
                        float const* weights = w + place * place_size;
                        if constexpr (depthwise)
                            for (int c = 0; c < out; ++c) in[c] += dy[c] * weights[c];
                        else
                            for (int i = 0; i < g::in_channels; ++i) {
                                float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
                                for (int c = 0; c < out; ++c) sum += dy[c] * weights[i * out + c];
                                in[i] += sum;
                            }
                    });
    }

    static void weight_gradient(float const* x, float const* dy, float* __restrict dw, int samples) {
        std::fill_n(dw, g::weight_size, 0.0f);
        for (int n = 0; n < samples; ++n, x += g::input_size)
            for (int row = 0; row < g::out_height; ++row)
                for (int column = 0; column < g::out_width; ++column, dy += out)
                    for_window(row, column, [&](std::int64_t pixel, std::int64_t place) {
                        float const* in = x + pixel * g::in_channels;
                        float* __restrict const weights = dw + place * place_size;
                        if constexpr (depthwise)
                            for (int c = 0; c < out; ++c) weights[c] += in[c] * dy[c];
                        else
                            for (int i = 0; i < g::in_channels; ++i)
                                for (int c = 0; c < out; ++c) weights[i * out + c] += in[i] * dy[c];
                    });
    }

private:
    /// The pixels of the image under a window, and their places in it.
    static void for_window(int row, int column, auto visit) {
        for (int i = 0; i < g::kernel_height; ++i)
            for (int j = 0; j < g::kernel_width; ++j) {
                int const in_row = row * g::stride_height + i - g::padding_height;
                int const in_column = column * g::stride_width + j - g::padding_width;
                if (in_row >= 0 && in_row < g::in_height && in_column >= 0 && in_column < g::in_width)
                    visit(std::int64_t{in_row} * g::in_width + in_column, std::int64_t{i} * g::kernel_width + j);
            }
    }
};

} // namespace raw
