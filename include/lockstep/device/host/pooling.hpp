// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/shape/convolution.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {

/// Calls visit(offset of the pixel within its image) for every pixel of the image under a window, in PyTorch's
/// order of rows and columns.
template <class Geometry, class Visit>
[[gnu::always_inline]] inline void for_each_pixel(int out_row, int out_column, Visit visit) {
    using g = Geometry;
    int const top = out_row * g::stride_height - g::padding_height;
    int const left = out_column * g::stride_width - g::padding_width;
    for (int y = std::max(top, 0); y < std::min(top + g::height, g::in_height); ++y)
        for (int x = std::max(left, 0); x < std::min(left + g::width, g::in_width); ++x)
            visit((y * g::in_width + x) * g::channels);
}

/// Whether a value takes the place of the maximum so far, as in PyTorch: of equal values the first stays, a NaN
/// always wins.
template <class T>
constexpr bool exceeds(T value, T maximum) {
    return value > maximum || value != value;
}

/// The maxima of some channels over a window, and the pixels where they are.
template <int Channels, class T>
struct window_maxima {
    T value[Channels] = {};
    int pixel[Channels] = {};

    template <class Geometry>
    [[gnu::always_inline]] static window_maxima of(T const* x, int out_row, int out_column) {
        window_maxima best;
        bool first = true;
        for_each_pixel<Geometry>(out_row, out_column, [&](int pixel) {
            T const* const at = x + pixel;
            for (int c = 0; c < Channels; ++c) {
                bool const wins = first || exceeds(at[c], best.value[c]);
                best.value[c] = wins ? at[c] : best.value[c];
                best.pixel[c] = wins ? pixel : best.pixel[c];
            }
            first = false;
        });
        return best;
    }
};

/// Calls visit.operator()<Count>(first channel) for all channels in blocks that fit registers.
template <int Channels, int First = 0, class Visit>
[[gnu::always_inline]] inline void for_channel_blocks(Visit&& visit) {
    if constexpr (First < Channels) {
        constexpr int count = Channels - First < 32 ? Channels - First : 32;
        visit.template operator()<count>(First);
        for_channel_blocks<Channels, First + count>(visit);
    }
}

} // namespace detail

/// y[n][out height][out width][channels]: the maximum over each window of x[n][height][width][channels], NaN
/// where a window holds one.
template <class T, class Geometry>
void max_pool(T const* x, T* y, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    for (std::int64_t sample = 0; sample < n; ++sample) {
        T const* const from = x + sample * g::in_size;
        T* to = y + sample * g::out_size;
        for (int row = 0; row < g::out_height; ++row)
            for (int column = 0; column < g::out_width; ++column, to += g::channels)
                detail::for_channel_blocks<g::channels>([&]<int Count>(int channel) {
                    auto const best = detail::window_maxima<Count, T>::template of<g>(from + channel, row, column);
                    std::copy_n(best.value, Count, to + channel);
                });
        tail(sample * g::out_height * g::out_width, g::out_height * g::out_width);
    }
}

/// dx: every value of dy goes to where the maximum of its window is, found again in x; windows that overlap add up.
template <class T, class Geometry>
void max_pool_gradient(T const* x, T const* dy, T* dx, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    for (std::int64_t sample = 0; sample < n; ++sample) {
        T const* const from = x + sample * g::in_size;
        T const* upstream = dy + sample * g::out_size;
        T* const to = dx + sample * g::in_size;
        std::fill_n(to, g::in_size, T{});
        for (int row = 0; row < g::out_height; ++row)
            for (int column = 0; column < g::out_width; ++column, upstream += g::channels)
                detail::for_channel_blocks<g::channels>([&]<int Count>(int channel) {
                    auto const best = detail::window_maxima<Count, T>::template of<g>(from + channel, row, column);
                    detail::for_each_pixel<g>(row, column, [&](int pixel) {
                        T* const target = to + channel + pixel;
                        for (int c = 0; c < Count; ++c)
                            target[c] += best.pixel[c] == pixel ? upstream[channel + c] : T{};
                    });
                });
        tail(sample * g::in_height * g::in_width, g::in_height * g::in_width);
    }
}

} // namespace lockstep::host
