// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

namespace lockstep {

/// The pixels of the image that a window covers: rows [top, bottom), columns [left, right), every dilation-th.
struct covered_pixels {
    int top, bottom, left, right;

    template <class Geometry>
    static constexpr covered_pixels of(int out_row, int out_column) {
        using g = Geometry;
        int const row = out_row * g::stride_height - g::padding_height;
        int const column = out_column * g::stride_width - g::padding_width;
        // Values: a device has no address of a class's constants, which std::min would take.
        int const height = g::in_height, width = g::in_width;
        return {first_inside(row, g::dilation_height), std::min(row + g::span_height, height),
                first_inside(column, g::dilation_width), std::min(column + g::span_width, width)};
    }

    /// Whether every window has a pixel in the image: padding and dilation could let one step over it.
    template <class Geometry>
    static constexpr bool never_empty() {
        for (int row = 0; row < Geometry::out_height; ++row)
            if (covered_pixels const window = of<Geometry>(row, 0); window.top >= window.bottom) return false;
        for (int column = 0; column < Geometry::out_width; ++column)
            if (covered_pixels const window = of<Geometry>(0, column); window.left >= window.right) return false;
        return true;
    }

private:
    static constexpr int first_inside(int start, int dilation) {
        return start >= 0 ? start : start + (dilation - 1 - start) / dilation * dilation;
    }
};

} // namespace lockstep
