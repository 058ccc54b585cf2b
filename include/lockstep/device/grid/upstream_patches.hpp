// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <numeric>

namespace lockstep::grid {

/// The pixels of one axis that a window with a stride sees alike: every Stride-th from `first` on. Of the window's taps
/// only some ever meet them, every tap_step-th, so that nothing else needs to be multiplied.
template <int In, int Kernel, int Stride, int Padding, int Dilation>
struct pixel_class {
    static constexpr int tap_step = Stride / std::gcd(Stride, Dilation);
    /// Pixels and taps of the class that has most of them.
    static constexpr int most_pixels = (In + Stride - 1) / Stride, most_taps = (Kernel + tap_step - 1) / tap_step;
    int first, first_tap, taps;

    static constexpr pixel_class of(int first) {
        int tap = 0;
        while (tap < Kernel && (first + Padding - tap * Dilation) % Stride != 0) ++tap;
        return {first, tap, (Kernel - tap + tap_step - 1) / tap_step};
    }
    constexpr int pixel(int index) const { return first + index * Stride; }
    constexpr int tap(int index) const { return first_tap + index * tap_step; }
};

/// The pixels of an image that have the same taps.
template <class Geometry>
struct image_class {
    using g = Geometry;
    using rows_type =
        pixel_class<g::in_height, g::kernel_height, g::stride_height, g::padding_height, g::dilation_height>;
    using columns_type =
        pixel_class<g::in_width, g::kernel_width, g::stride_width, g::padding_width, g::dilation_width>;
    static constexpr int count = g::stride_height * g::stride_width;
    static constexpr std::int64_t most_pixels = std::int64_t{rows_type::most_pixels} * columns_type::most_pixels;
    static constexpr std::int64_t most_taps = std::int64_t{rows_type::most_taps} * columns_type::most_taps;
    rows_type rows;
    columns_type columns;

    static constexpr image_class of(int index) {
        return {rows_type::of(index / g::stride_width), columns_type::of(index % g::stride_width)};
    }

    /// A pixel of some sample.
    struct place {
        std::int64_t sample;
        int row, column;
        constexpr bool exists() const { return row < g::in_height && column < g::in_width; }
    };
    /// Pixel `index` of all samples' pixels of this class, as if it had most_pixels.
    constexpr place pixel(std::int64_t index) const {
        std::int64_t const sample = index / most_pixels;
        int const within = static_cast<int>(index - sample * most_pixels), row = within / columns_type::most_pixels;
        return {sample, rows.pixel(row), columns.pixel(within - row * columns_type::most_pixels)};
    }

    struct tap {
        int row, column, channel;
    };
    constexpr std::int64_t taps() const { return std::int64_t{rows.taps} * columns.taps; }
    /// Of the window and the upstream channels of a group.
    constexpr tap tap_at(std::int64_t index) const {
        int const k = static_cast<int>(index), pixel = k / g::group_out, row = pixel / columns.taps;
        return {rows.tap(row), columns.tap(pixel - row * columns.taps), k - pixel * g::group_out};
    }
};

/// Which upstream pixels, of gradients [out height][out width][out channels], a pixel of the image has contributed to.
/// A line is a pixel of the image, of all samples one after the other; a step is a tap, the pixel of the window as
/// which it was seen and an output channel.
template <class T, class Geometry>
struct upstream_patches {
    using g = Geometry;
    static constexpr bool along_depth = true;
    /// Of the first sample, the group's first channel.
    T const* upstream;
    image_class<g> pixels;

    /// The sample's upstream image, and the pixel's place in the padded image.
    struct pixel {
        T const* upstream;
        int row, column;
    };

    constexpr pixel line(std::int64_t index) const {
        auto const place = pixels.pixel(index);
        return {upstream + place.sample * g::output_size, place.row + g::padding_height,
                place.column + g::padding_width};
    }
    constexpr auto step(std::int64_t index) const { return pixels.tap_at(index); }
    constexpr T at(pixel const& seen, auto const& as) const {
        // Where the window starts that sees the pixel so, a multiple of the stride.
        int const top = seen.row - as.row * g::dilation_height, left = seen.column - as.column * g::dilation_width;
        int const row = top / g::stride_height, column = left / g::stride_width;
        bool const exists = top >= 0 && left >= 0 && row < g::out_height && column < g::out_width;
        std::int64_t const index = (std::int64_t{row} * g::out_width + column) * g::out_channels + as.channel;
        return exists ? seen.upstream[index] : T{};
    }
};

/// The weights [window height][window width][in channels of a group][out channels] beside upstream_patches: a line is a
/// channel of the image, steps are those of the patches.
template <class T, class Geometry>
struct weights_by_out_channel {
    using g = Geometry;
    static constexpr bool along_depth = true;
    /// The group's first output channel.
    T const* weights;
    image_class<g> pixels;

    constexpr T const* line(std::int64_t in_channel) const { return weights + in_channel * g::out_channels; }
    constexpr std::int64_t step(std::int64_t index) const {
        auto const tap = pixels.tap_at(index);
        return (std::int64_t{tap.row} * g::kernel_width + tap.column) * g::group_in * g::out_channels + tap.channel;
    }
    constexpr T at(T const* line, std::int64_t step) const { return line[step]; }
};

} // namespace lockstep::grid
