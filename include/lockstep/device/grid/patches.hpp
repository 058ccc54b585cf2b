// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

/// Images as operands of products, see operand.hpp: nothing is copied, an element is looked up where it lies.
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
        return inside ? from.image[(std::int64_t{row} * g::in_width + column) * g::in_channels + to.channel] : T(0);
    }
};

/// Which upstream pixels, of gradients [out height][out width][out channels], a pixel of the image has contributed to. A
/// line is a pixel of the image, of all samples one after the other; a step is a pixel of the window, as which it was
/// seen, and an output channel.
template <class T, class Geometry>
struct upstream_patches {
    using g = Geometry;
    static constexpr bool along_depth = true;
    /// Of the first sample, the group's first channel.
    T const* upstream;

    /// The sample's upstream image, and the pixel's place in the padded image.
    struct pixel {
        T const* upstream;
        int row, column;
    };
    struct tap {
        int row, column, channel;
    };

    constexpr pixel line(std::int64_t in_pixel) const {
        constexpr std::int64_t pixels = std::int64_t{g::in_height} * g::in_width;
        std::int64_t const sample = in_pixel / pixels;
        int const index = static_cast<int>(in_pixel - sample * pixels), row = index / g::in_width;
        return {upstream + sample * g::output_size, row + g::padding_height, index - row * g::in_width + g::padding_width};
    }
    constexpr tap step(std::int64_t index) const {
        int const k = static_cast<int>(index), place = k / g::group_out, row = place / g::kernel_width;
        return {row * g::dilation_height, (place - row * g::kernel_width) * g::dilation_width, k - place * g::group_out};
    }
    constexpr T at(pixel const& seen, tap const& as) const {
        // Where the window starts that sees the pixel so, if there is one.
        int const top = seen.row - as.row, left = seen.column - as.column;
        int const row = top / g::stride_height, column = left / g::stride_width;
        bool const exists = top >= 0 && left >= 0 && row * g::stride_height == top && column * g::stride_width == left &&
                            row < g::out_height && column < g::out_width;
        return exists ? seen.upstream[(std::int64_t{row} * g::out_width + column) * g::out_channels + as.channel] : T(0);
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

    constexpr T const* line(std::int64_t in_channel) const { return weights + in_channel * g::out_channels; }
    constexpr std::int64_t step(std::int64_t index) const {
        int const k = static_cast<int>(index), place = k / g::group_out;
        return std::int64_t{place} * g::group_in * g::out_channels + (k - place * g::group_out);
    }
    constexpr T at(T const* line, std::int64_t step) const { return line[step]; }
};

} // namespace lockstep::grid
