// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep::grid {

/// The patches of an image [height][width][in channels] that a window sees, one after the other for all samples. A line
/// is a position of the window, an output pixel; a step is a tap, a pixel of the window and one of its channels.
template <class T, class Geometry>
struct image_patches {
    using g = Geometry;
    static constexpr bool along_depth = true;
    /// Of the first sample, the group's first channel.
    T const* image;

    /// The image, and where the window's first pixel lies in it, maybe in the padding.
    struct position {
        T const* image;
        int row, column;
    };
    struct tap {
        int row, column, channel;
    };

    constexpr position line(std::int64_t out_pixel) const {
        constexpr std::int64_t pixels = std::int64_t{g::out_height} * g::out_width;
        std::int64_t const sample = out_pixel / pixels;
        int const pixel = static_cast<int>(out_pixel - sample * pixels), row = pixel / g::out_width;
        return {image + sample * g::input_size, row * g::stride_height - g::padding_height,
                (pixel - row * g::out_width) * g::stride_width - g::padding_width};
    }
    constexpr tap step(std::int64_t index) const {
        int const k = static_cast<int>(index), pixel = k / g::group_in, row = pixel / g::kernel_width;
        return {row * g::dilation_height, (pixel - row * g::kernel_width) * g::dilation_width, k - pixel * g::group_in};
    }
    constexpr T at(position const& from, tap const& to) const {
        int const row = from.row + to.row, column = from.column + to.column;
        bool const inside = (g::padding_height == 0 || (row >= 0 && row < g::in_height)) &&
                            (g::padding_width == 0 || (column >= 0 && column < g::in_width));
        return inside ? from.image[(std::int64_t{row} * g::in_width + column) * g::in_channels + to.channel] : T{};
    }
};

} // namespace lockstep::grid
