// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/direct_convolution.hpp>
#include <lockstep/device/host/library.hpp>

namespace lockstep::host {

/// A convolution on register tiles, see direct. It keeps a padded image and, for the data gradient, the flipped
/// weights between calls.
template <class T, class Geometry, class Library = default_library>
class convolution {
    using g = Geometry;
    static constexpr int padded_height = g::in_height + 2 * g::padding_height;
    static constexpr int padded_width = g::in_width + 2 * g::padding_width;
    using input_image = direct::padded_image<g::in_height, g::in_width, g::in_channels, g::padding_height,
                                             g::padding_width, padded_height, padded_width>;

public:
    /// y[n][out height][out width][out channels] from x[n][height][width][channels] and w.
    void forward(T const* x, T const* w, T* y, std::int64_t n, row_tail tail = {}) {
        constexpr std::int64_t steps = std::int64_t{g::width} * g::in_channels;
        using layout = product_layout<std::int64_t{g::stride_width} * g::in_channels, input_image::row, 1,
                                      g::out_channels, g::out_channels>;
        T* const padded = memory(padded_, input_image::size);
        for (std::int64_t sample = 0; sample < n; ++sample) {
            input_image::fill(x + sample * g::in_size, padded);
            T* const to = y + sample * g::out_size;
            column_panels<T, g::out_channels>::for_each([&]<int Vectors, int LastLanes>(int column) {
                for (int row = 0; row < g::out_height; ++row)
                    direct::multiply_pixels<layout, direct::rows_for<Vectors>(g::out_width), Vectors, LastLanes>(
                        padded + row * g::stride_height * input_image::row, w + column,
                        to + std::int64_t{row} * g::out_width * g::out_channels + column, g::out_width, g::height, steps,
                        false);
            });
            tail(sample * g::out_height * g::out_width, g::out_height * g::out_width);
        }
    }

    /// dx from dy and w.
    void data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail = {}) {
        if constexpr (is_flippable) data_gradient_as_convolution(dy, w, dx, n, tail);
        else data_gradient_by_scattering(dy, w, dx, n, tail);
    }

    /// dw, summed over the samples, from x and dy.
    void weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
        constexpr int rows = g::width * g::in_channels;
        using layout = product_layout<1, std::int64_t{g::stride_height} * input_image::row,
                                      std::int64_t{g::stride_width} * g::in_channels, g::out_channels, g::out_channels>;
        T* const padded = memory(padded_, input_image::size);
        if (n == 0) std::fill_n(dw, g::weight_size, T{});
        for (std::int64_t sample = 0; sample < n; ++sample) {
            input_image::fill(x + sample * g::in_size, padded);
            T const* const from = dy + sample * g::out_size;
            column_panels<T, g::out_channels>::for_each([&]<int Vectors, int LastLanes>(int column) {
                for (int ky = 0; ky < g::height; ++ky)
                    direct::multiply_pixels<layout, direct::rows_for<Vectors>(rows), Vectors, LastLanes>(
                        padded + ky * input_image::row, from + column,
                        dw + std::int64_t{ky} * rows * g::out_channels + column, rows, g::out_height, g::out_width,
                        sample > 0);
            });
        }
    }

private:
    // A stride of 1 makes the data gradient a convolution of dy with the flipped weights, channels exchanged.
    static constexpr int flipped_top = g::height - 1 - g::padding_height;
    static constexpr int flipped_left = g::width - 1 - g::padding_width;
    static constexpr bool is_flippable =
        g::stride_height == 1 && g::stride_width == 1 && flipped_top >= 0 && flipped_left >= 0;

    void data_gradient_as_convolution(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail) {
        constexpr int height = g::out_height + 2 * (flipped_top > 0 ? flipped_top : 0);
        constexpr int width = g::out_width + 2 * (flipped_left > 0 ? flipped_left : 0);
        using image = direct::padded_image<g::out_height, g::out_width, g::out_channels, flipped_top, flipped_left,
                                           height, width>;
        constexpr std::int64_t steps = std::int64_t{g::width} * g::out_channels;
        using layout = product_layout<g::out_channels, image::row, 1, g::in_channels, g::in_channels>;
        T* const padded = memory(padded_, image::size);
        T* const flipped = memory(flipped_, g::weight_size);
        flip(w, flipped);
        for (std::int64_t sample = 0; sample < n; ++sample) {
            image::fill(dy + sample * g::out_size, padded);
            T* const to = dx + sample * g::in_size;
            column_panels<T, g::in_channels>::for_each([&]<int Vectors, int LastLanes>(int column) {
                for (int row = 0; row < g::in_height; ++row)
                    direct::multiply_pixels<layout, direct::rows_for<Vectors>(g::in_width), Vectors, LastLanes>(
                        padded + row * image::row, flipped + column,
                        to + std::int64_t{row} * g::in_width * g::in_channels + column, g::in_width, g::height, steps,
                        false);
            });
            tail(sample * g::in_height * g::in_width, g::in_height * g::in_width);
        }
    }

    void data_gradient_by_scattering(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail) {
        for (std::int64_t sample = 0; sample < n; ++sample) {
            T* const to = dx + sample * g::in_size;
            std::fill_n(to, g::in_size, T{});
            for (int oy = 0; oy < g::out_height; ++oy)
                for (int ox = 0; ox < g::out_width; ++ox)
                    for (int ky = 0; ky < g::height; ++ky)
                        for (int kx = 0; kx < g::width; ++kx) {
                            int const y = oy * g::stride_height + ky - g::padding_height;
                            int const x = ox * g::stride_width + kx - g::padding_width;
                            if (y < 0 || x < 0 || y >= g::in_height || x >= g::in_width) continue;
                            scatter(dy + sample * g::out_size + (oy * g::out_width + ox) * g::out_channels,
                                    w + (ky * g::width + kx) * g::in_channels * g::out_channels,
                                    to + (y * g::in_width + x) * g::in_channels);
                        }
            tail(sample * g::in_height * g::in_width, g::in_height * g::in_width);
        }
    }
    /// pixel[c] += sum over f of upstream[f] w[c][f].
    static void scatter(T const* upstream, T const* w, T* pixel) {
        for (int c = 0; c < g::in_channels; ++c, w += g::out_channels) {
            T sum{};
            for (int f = 0; f < g::out_channels; ++f) sum += upstream[f] * w[f];
            pixel[c] += sum;
        }
    }

    /// flipped[ky][kx][f][c] = w[last - ky][last - kx][c][f].
    static void flip(T const* w, T* flipped) {
        constexpr int taps = g::height * g::width;
        for (int tap = 0; tap < taps; ++tap) {
            T const* from = w + std::int64_t{taps - 1 - tap} * g::in_channels * g::out_channels;
            T* to = flipped + std::int64_t{tap} * g::in_channels * g::out_channels;
            for (int c = 0; c < g::in_channels; ++c)
                for (int f = 0; f < g::out_channels; ++f) to[f * g::in_channels + c] = from[c * g::out_channels + f];
        }
    }

    /// Zeroed at the first use; kernels of one operation use it in one way only.
    static T* memory(host_memory& owner, std::int64_t elements) {
        if (owner.data() == nullptr) {
            owner = host_memory(static_cast<std::size_t>(elements) * sizeof(T));
            std::fill_n(owner.as<T>().data(), elements, T{});
        }
        return owner.as<T>().data();
    }

    host_memory padded_;
    host_memory flipped_;
};

} // namespace lockstep::host
