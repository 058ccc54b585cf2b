// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile.hpp>
#include <lockstep/shape/convolution.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Convolutions of channels-last images on register tiles, without a matrix of patches: in an image that is
/// padded with zeros, the pixels under a row of the window are contiguous, so that a row of output pixels is a
/// product of rows that overlap. One sample at a time; sums in the order of samples, rows and columns.
namespace direct {

/// An image with a border of zeros.
template <int Height, int Width, int Channels, int Top, int Left, int PaddedHeight, int PaddedWidth>
struct padded_image {
    static constexpr std::int64_t row = std::int64_t{PaddedWidth} * Channels;
    static constexpr std::int64_t size = PaddedHeight * row;

    /// The border stays as it is: `to` was zero once.
    template <class T>
    static void fill(T const* image, T* to) {
        for (int y = 0; y < Height; ++y)
            std::copy_n(image + std::int64_t{y} * Width * Channels, Width * Channels,
                        to + (y + Top) * row + Left * Channels);
    }
};

/// Tiles over the pixels of one output row and all output channels.
template <class Layout, int Rows, int Vectors, int LastLanes, class T>
[[gnu::always_inline]] inline void multiply_pixels(T const* left, T const* right, T* result, std::int64_t rows,
                                                   std::int64_t outer, std::int64_t steps, bool accumulate) {
    std::int64_t row = 0;
    for (; row + Rows <= rows; row += Rows)
        multiply_tile<Layout, Rows, Vectors, LastLanes>(left + row * Layout::left_row(1), right,
                                                        result + row * Layout::result_row, outer, steps, accumulate);
    if constexpr (Rows > 1)
        if (row < rows)
            multiply_pixels<Layout, Rows / 2, Vectors, LastLanes>(left + row * Layout::left_row(1), right,
                                                                  result + row * Layout::result_row, rows - row,
                                                                  outer, steps, accumulate);
}

/// The number of rows of a tile for `rows` rows: one that divides them if there is one, so that nothing remains.
template <int Vectors>
constexpr int rows_for(int rows) {
    int const most = tile_rows(Vectors);
    for (int count = most; 2 * count >= most; --count)
        if (rows % count == 0) return count;
    return rows < most ? rows : most;
}

} // namespace direct
} // namespace lockstep::host
