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

/// The maximum of some channels over a window. A NaN wins and stays.
template <int Channels, class Geometry, class T>
[[gnu::always_inline]] inline void window_maximum(T const* x, int out_row, int out_column, T* largest) {
    bool first = true;
    for_each_pixel<Geometry>(out_row, out_column, [&](int pixel) {
        T const* const at = x + pixel;
        for (int c = 0; c < Channels; ++c)
            largest[c] = first || at[c] > largest[c] || at[c] != at[c] ? at[c] : largest[c];
        first = false;
    });
}

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
                    T largest[Count];
                    detail::window_maximum<Count, g>(from + channel, row, column, largest);
                    std::copy_n(largest, Count, to + channel);
                });
        tail(sample * g::out_height * g::out_width, g::out_height * g::out_width);
    }
}

/// dx: every value of dy goes to the first maximum of its window, which is found again in x, as in PyTorch.
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
                    T largest[Count], rest[Count];
                    detail::window_maximum<Count, g>(from + channel, row, column, largest);
                    std::copy_n(upstream + channel, Count, rest);
                    detail::for_each_pixel<g>(row, column, [&](int pixel) {
                        T const* const at = from + channel + pixel;
                        T* const target = to + channel + pixel;
                        for (int c = 0; c < Count; ++c) {
                            // What has been given away is zero from then on.
                            bool const hit = at[c] == largest[c] || at[c] != at[c];
                            target[c] += hit ? rest[c] : T{};
                            rest[c] = hit ? T{} : rest[c];
                        }
                    });
                });
        tail(sample * g::in_height * g::in_width, g::in_height * g::in_width);
    }
}

} // namespace lockstep::host
