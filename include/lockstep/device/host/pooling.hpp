// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/covered_pixels.hpp>
#include <lockstep/device/host/channel_registers.hpp>
#include <lockstep/device/host/lanes.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/vector.hpp>
#include <lockstep/shape/convolution.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {

/// Visits the pixels of a window in the order of rows, as row * width + column. Without padding their number is known.
template <class Geometry>
[[gnu::always_inline]] inline void for_each_pixel(covered_pixels const& window, auto visit) {
    using g = Geometry;
    if constexpr (g::padding_height == 0 && g::padding_width == 0) {
        int const first = window.top * g::in_width + window.left;
        for (int row = 0; row < g::kernel_height; ++row)
            for (int column = 0; column < g::kernel_width; ++column)
                visit(first + row * g::dilation_height * g::in_width + column * g::dilation_width);
    } else
        for (int row = window.top; row < window.bottom; row += g::dilation_height)
            for (int column = window.left; column < window.right; column += g::dilation_width)
                visit(row * g::in_width + column);
}

/// The maxima of a window in one register of channels, and the pixels (row * width + column) where they are.
template <class T>
struct window_maxima {
    vector<T> value;
    vector_index<T> pixel;

    /// As in PyTorch: of equal values the first in the order of rows stays, a NaN always wins.
    template <class Geometry, int Lanes>
    [[gnu::always_inline]] static window_maxima of(T const* x, covered_pixels const& window) {
        using g = Geometry;
        int const first = window.top * g::in_width + window.left;
        window_maxima best{load_part<Lanes>(x + first * g::channels), zeros<vector_index<T>>() + first};
        for_each_pixel<g>(window, [&](int pixel) {
            vector<T> const found = load_part<Lanes>(x + pixel * g::channels);
            auto const wins = (found > best.value) | (found != found);
            best.value = wins ? found : best.value;
            best.pixel = wins ? zeros<vector_index<T>>() + pixel : best.pixel;
        });
        return best;
    }
};

} // namespace detail

/// y[n][out height][out width][channels]: the maximum over each window of x[n][height][width][channels], NaN
/// where a window holds one; padding never wins. tail gets the pixels of y.
template <class T, class Geometry>
void max_pool(T const* x, T* y, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    static_assert(covered_pixels::never_empty<g>(), "every window of a maximum holds a pixel of the image");
    for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size)
        for (int row = 0; row < g::out_height; ++row) {
            for (int column = 0; column < g::out_width; ++column, y += g::channels) {
                auto const window = covered_pixels::of<g>(row, column);
                detail::for_each_register<T, g::channels>([&]<int Lanes>(int channel) {
                    T const* const image = x + channel;
                    vector<T> best = load_part<Lanes>(image + (window.top * g::in_width + window.left) * g::channels);
                    detail::for_each_pixel<g>(window, [&](int pixel) {
                        best = larger_or_nan(best, load_part<Lanes>(image + pixel * g::channels));
                    });
                    store_part<Lanes>(y + channel, best);
                });
            }
            tail((sample * g::out_height + row) * g::out_width, g::out_width);
        }
}

/// dx: every value of dy goes to where the maximum of its window is, found again in x; windows that overlap add
/// up. tail gets the pixels of dx.
template <class T, class Geometry>
void max_pool_gradient(T const* x, T const* dy, T* dx, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    // Windows that tile the image write every pixel exactly once.
    constexpr bool tiling = g::dilation_height == 1 && g::dilation_width == 1 &&
                            g::stride_height == g::kernel_height &&
                            g::stride_width == g::kernel_width &&
                            g::out_height * g::kernel_height == g::in_height &&
                            g::out_width * g::kernel_width == g::in_width;
    for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, dx += g::input_size) {
        if constexpr (!tiling) std::fill_n(dx, g::input_size, T{});
        for (int row = 0; row < g::out_height; ++row)
            for (int column = 0; column < g::out_width; ++column, dy += g::channels) {
                auto const window = covered_pixels::of<g>(row, column);
                detail::for_each_register<T, g::channels>([&]<int Lanes>(int channel) {
                    auto const best = detail::window_maxima<T>::template of<g, Lanes>(x + channel, window);
                    vector<T> const upstream = load_part<Lanes>(dy + channel);
                    detail::for_each_pixel<g>(window, [&](int pixel) {
                        T* const to = dx + pixel * g::channels + channel;
                        vector<T> part = best.pixel == pixel ? upstream : zeros<vector<T>>();
                        if constexpr (!tiling) part += load_part<Lanes>(to);
                        store_part<Lanes>(to, part);
                    });
                });
            }
        tail(sample * g::in_height * g::in_width, g::in_height * g::in_width);
    }
}

} // namespace lockstep::host
