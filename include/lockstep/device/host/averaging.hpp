// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/channel_registers.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/shape/averaging.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace detail {

/// One over the number that an average divides by.
template <class T>
constexpr T weight_of(averaged_pixels rows, averaged_pixels columns) {
    return T(1) / static_cast<T>(rows.count * columns.count);
}

} // namespace detail

/// y[n][out height][out width][channels]: the average over each part of x[n][height][width][channels]. tail gets
/// the pixels of y.
template <class T, class Geometry>
void avg_pool(T const* x, T* y, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size)
        for (int row = 0; row < g::out_height; ++row) {
            averaged_pixels const rows = g::rows(row);
            for (int column = 0; column < g::out_width; ++column, y += g::channels) {
                averaged_pixels const columns = g::columns(column);
                T const weight = detail::weight_of<T>(rows, columns);
                detail::for_each_register<T, g::channels>([&]<int Lanes>(int channel) {
                    vector<T> sum = zeros<vector<T>>();
                    for (int in_row = rows.first; in_row < rows.last; ++in_row)
                        for (int in_column = columns.first; in_column < columns.last; ++in_column)
                            sum += load_part<Lanes>(x + (in_row * g::in_width + in_column) * g::channels + channel);
                    store_part<Lanes>(y + channel, sum * weight);
                });
            }
            tail((sample * g::out_height + row) * g::out_width, g::out_width);
        }
}

/// dx: every value of dy goes to all pixels of its part in equal shares; parts that overlap add up. tail gets the
/// pixels of dx.
template <class T, class Geometry>
void avg_pool_gradient(T const* dy, T* dx, std::int64_t n, row_tail tail = {}) {
    using g = Geometry;
    for (std::int64_t sample = 0; sample < n; ++sample, dx += g::input_size) {
        if constexpr (!g::tiles_image) std::fill_n(dx, g::input_size, T{});
        for (int row = 0; row < g::out_height; ++row) {
            averaged_pixels const rows = g::rows(row);
            for (int column = 0; column < g::out_width; ++column, dy += g::channels) {
                averaged_pixels const columns = g::columns(column);
                T const weight = detail::weight_of<T>(rows, columns);
                detail::for_each_register<T, g::channels>([&]<int Lanes>(int channel) {
                    vector<T> const share = load_part<Lanes>(dy + channel) * weight;
                    for (int in_row = rows.first; in_row < rows.last; ++in_row)
                        for (int in_column = columns.first; in_column < columns.last; ++in_column) {
                            T* const to = dx + (in_row * g::in_width + in_column) * g::channels + channel;
                            if constexpr (g::tiles_image) store_part<Lanes>(to, share);
                            else store_part<Lanes>(to, load_part<Lanes>(to) + share);
                        }
                });
            }
        }
        tail(sample * g::in_height * g::in_width, std::int64_t{g::in_height} * g::in_width);
    }
}

} // namespace lockstep::host
