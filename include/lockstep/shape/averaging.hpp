// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

namespace lockstep {

/// The pixels [first, last) of one axis that an average takes, and what it divides by along this axis.
struct averaged_pixels {
    int first = 0;
    int last = 0;
    int count = 1;
};

/// Averages over a window that moves. Padding is zeros that count, or pixels that are not there.
template <class Window, bool CountsPadding>
struct moving_average {
    static constexpr int out_height(int in) { return Window::out_height(in); }
    static constexpr int out_width(int in) { return Window::out_width(in); }

    static constexpr averaged_pixels rows(int out_row, int in) {
        return covered(out_row * Window::stride_height - Window::padding_height, Window::kernel_height, in);
    }
    static constexpr averaged_pixels columns(int out_column, int in) {
        return covered(out_column * Window::stride_width - Window::padding_width, Window::kernel_width, in);
    }

private:
    static constexpr averaged_pixels covered(int start, int kernel, int in) {
        int const first = std::max(start, 0), last = std::min(start + kernel, in);
        return {first, last, CountsPadding ? kernel : last - first};
    }
};

/// Averages over Height x Width nearly equal parts of an image. They overlap where an extent is no multiple, as
/// PyTorch's AdaptiveAvgPool2d: part i of n takes [floor(i in / n), ceil((i + 1) in / n)).
template <int Height, int Width>
struct adaptive_average {
    static_assert(Height > 0 && Width > 0, "an image has at least one pixel");

    static constexpr int out_height(int) { return Height; }
    static constexpr int out_width(int) { return Width; }

    static constexpr averaged_pixels rows(int out_row, int in) { return part(out_row, Height, in); }
    static constexpr averaged_pixels columns(int out_column, int in) { return part(out_column, Width, in); }

private:
    static constexpr averaged_pixels part(int index, int parts, int in) {
        int const first = index * in / parts;
        int const last = ((index + 1) * in + parts - 1) / parts;
        return {first, last, last - first};
    }
};

/// Averages of an image of known extents. Images lie in memory as [height][width][channels].
template <int Channels, int InHeight, int InWidth, class Average>
struct averaging_geometry {
    using average = Average;
    static constexpr int channels = Channels, in_height = InHeight, in_width = InWidth;
    static constexpr int out_height = Average::out_height(InHeight), out_width = Average::out_width(InWidth);
    static constexpr std::int64_t input_size = std::int64_t{InHeight} * InWidth * Channels;
    static constexpr std::int64_t output_size = std::int64_t{out_height} * out_width * Channels;
    static_assert(out_height > 0 && out_width > 0, "the window fits into the padded image");

    static constexpr averaged_pixels rows(int out_row) { return Average::rows(out_row, InHeight); }
    static constexpr averaged_pixels columns(int out_column) { return Average::columns(out_column, InWidth); }

    /// Whether every pixel is part of exactly one average.
    static constexpr bool tiles_image = [] {
        int row = 0, column = 0;
        for (int i = 0; i < out_height; ++i) {
            if (rows(i).first != row) return false;
            row = rows(i).last;
        }
        for (int i = 0; i < out_width; ++i) {
            if (columns(i).first != column) return false;
            column = columns(i).last;
        }
        return row == InHeight && column == InWidth;
    }();
    /// Additions and divisions of one pass over one image.
    static constexpr double flops = [] {
        std::int64_t height = 0, width = 0;
        for (int i = 0; i < out_height; ++i) height += rows(i).last - rows(i).first;
        for (int i = 0; i < out_width; ++i) width += columns(i).last - columns(i).first;
        return static_cast<double>(height * width * Channels + output_size);
    }();
};

} // namespace lockstep
