// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/tile.hpp>
#include <lockstep/device/host/tile_matmul.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

namespace tiles {

/// Calls visit.operator()<Rows>(row, column) for pieces of a grid of `Height` rows and `Width` columns, each
/// piece at most `Most` cells in the grid's order: parts of one row that are nearly equal, or several whole
/// rows where they are short. `Rows` is the number of cells.
template <int Most, int Height, int Width, class Visit>
[[gnu::always_inline]] inline void for_each_piece(Visit&& visit) {
    if constexpr (2 * Width <= Most) {
        constexpr int together = std::min(Most / Width, Height);
        int row = 0;
        for (; row + together <= Height; row += together) visit.template operator()<together * Width>(row, 0);
        if constexpr (Height % together != 0) visit.template operator()<Height % together * Width>(row, 0);
    } else {
        constexpr int pieces = (Width + Most - 1) / Most;
        constexpr int small = Width / pieces;
        constexpr int large_count = Width % pieces;
        for (int row = 0; row < Height; ++row) {
            int column = 0;
            if constexpr (large_count > 0)
                for (; column < large_count * (small + 1); column += small + 1)
                    visit.template operator()<small + 1>(row, column);
            for (; column < Width; column += small) visit.template operator()<small>(row, column);
        }
    }
}

/// What an image_product reads and writes. Strides are the distances between neighbouring pixels in memory: where
/// the product is of one group of channels, the others lie between them.
struct product_sizes {
    int channels, pixel_stride, image_width;
    int out_channels, out_stride, out_height, out_width;
    int kernel_height, kernel_width;
    int stride_height = 1, stride_width = 1;
    int dilation_height = 1, dilation_width = 1;
};

/// Where the pixels under a tile lie whose rows are `Width` output pixels a row; what is summed for one output
/// pixel is cut into runs of contiguous elements.
template <int Width, std::int64_t RowStep, std::int64_t PixelStep, std::int64_t RunStep, int OutStride>
struct pixel_layout {
    static constexpr std::int64_t left_row(int pixel) {
        return pixel / Width * RowStep + std::int64_t{pixel % Width} * PixelStep;
    }
    static constexpr std::int64_t left_outer = RunStep;
    static constexpr std::int64_t left_step = 1;
    static constexpr std::int64_t right_step = OutStride;
    static constexpr std::int64_t result_row = OutStride;
};

/// A convolution without padding of one channels-last image, as a product without the matrix of patches: the
/// elements under one row of the kernel lie next to each other, or with a dilation or groups, those under one
/// pixel of the kernel. Weights are [kernel height][kernel width][channels][out_stride].
template <class T, product_sizes Sizes>
struct image_product {
    static constexpr product_sizes s = Sizes;
    static constexpr std::int64_t image_row = std::int64_t{s.image_width} * s.pixel_stride;
    static constexpr int kernel_row = s.kernel_width * s.channels;

    /// Runs of contiguous elements: a row of the kernel is one, or one for each of its pixels.
    static constexpr bool whole_rows =
        s.kernel_width == 1 || (s.dilation_width == 1 && s.channels == s.pixel_stride);
    static constexpr int run = whole_rows ? kernel_row : s.channels;
    static constexpr std::int64_t run_step =
        whole_rows ? s.dilation_height * image_row : std::int64_t{s.dilation_width} * s.pixel_stride;

    /// Rows of the tile are output pixels, the sum runs over the kernel.
    using forward_layout = pixel_layout<s.out_width, s.stride_height * image_row,
                                        std::int64_t{s.stride_width} * s.pixel_stride, run_step, s.out_stride>;

    /// Rows of the tile are kernel positions and input channels, the sum runs over the output pixels.
    template <int UpstreamStride>
    struct weight_layout {
        static constexpr std::int64_t left_row(int tap) { return tap / run * run_step + tap % run; }
        static constexpr std::int64_t left_outer = s.stride_height * image_row;
        static constexpr std::int64_t left_step = std::int64_t{s.stride_width} * s.pixel_stride;
        static constexpr std::int64_t right_step = UpstreamStride;
        static constexpr std::int64_t result_row = s.out_stride;
    };

    /// y[pixel][out_channels] of one image; its first pixel is row `first` of the whole result.
    static void forward(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        if constexpr (by_kernel_row) {
            // The weights of one panel and one row of the kernel stay in the first-level cache for the image.
            column_panels<T, s.out_channels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
                for (std::int64_t kernel = 0; kernel < s.kernel_height; ++kernel)
                    multiply_pieces<s.out_height, Vectors, LastLanes>(
                        image + kernel * s.dilation_height * image_row, w + kernel * kernel_row * s.out_stride + panel,
                        y + panel, kernel_row / run, kernel > 0);
            });
            tail(first, std::int64_t{s.out_height} * s.out_width);
        } else {
            // Some rows of the result at a time go through all panels of channels, so that the tail finds them in
            // the first-level cache.
            constexpr int at_once = std::max(1, std::min(s.out_height, vector_registers / 2 / s.out_width));
            std::int64_t row = 0;
            for (; row + at_once <= s.out_height; row += at_once)
                forward_rows<at_once>(image + row * s.stride_height * image_row, w,
                                      y + row * s.out_width * s.out_stride, first + row * s.out_width, tail);
            if constexpr (s.out_height % at_once != 0)
                forward_rows<s.out_height % at_once>(image + row * s.stride_height * image_row, w,
                                                     y + row * s.out_width * s.out_stride, first + row * s.out_width,
                                                     tail);
        }
    }

    /// dw[kernel position][channels][out_channels] of one image, or added to what is there.
    static void weight_gradient(T const* image, T const* dy, T* dw, bool accumulate) {
        column_panels<T, s.out_channels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
            // Some rows of dy at a time, so that all pieces find them in the first-level cache.
            constexpr std::int64_t row_bytes = std::int64_t{s.out_width} * Vectors * vector_bytes;
            constexpr int height =
                static_cast<int>(std::clamp<std::int64_t>(packed_bytes / row_bytes, 1, s.out_height));
            for (int row = 0; row < s.out_height; row += height) {
                T const* const under = image + row * s.stride_height * image_row;
                T const* const upstream = dy + std::int64_t{row} * s.out_width * s.out_stride + panel;
                int const rows = std::min(height, s.out_height - row);
                if constexpr (s.out_stride == Vectors * vector_lanes<T> || row_bytes > packed_bytes) {
                    multiply_taps<s.out_stride, Vectors, LastLanes>(under, upstream, dw + panel, rows,
                                                                    accumulate || row > 0);
                } else {
                    alignas(vector_bytes) T packed[height * row_bytes / sizeof(T)];
                    pack<Vectors, LastLanes, s.out_stride>(upstream, packed, std::int64_t{rows} * s.out_width);
                    multiply_taps<Vectors * vector_lanes<T>, Vectors, LastLanes>(under, packed, dw + panel, rows,
                                                                                 accumulate || row > 0);
                }
            }
        });
    }

private:
    // Worth the visits to y where the weights are large and a row of the kernel is a long sum; the only way where a
    // row is several runs.
    static constexpr bool by_kernel_row =
        !whole_rows || (s.kernel_height > 1 && kernel_row >= 64 &&
                        sizeof(T) * s.kernel_height * kernel_row * s.out_channels > 32 * 1024);

    template <int Height, int Vectors, int LastLanes>
    static void multiply_pieces(T const* image, T const* w, T* y, std::int64_t runs, bool accumulate) {
        for_each_piece<tile_rows(Vectors), Height, s.out_width>([&]<int Rows>(int row, int column) {
            multiply_tile<forward_layout, Rows, Vectors, LastLanes>(
                image + row * s.stride_height * image_row + std::int64_t{column} * s.stride_width * s.pixel_stride, w,
                y + (std::int64_t{row} * s.out_width + column) * s.out_stride, runs, run, accumulate);
        });
    }

    template <int UpstreamStride, int Vectors, int LastLanes>
    static void multiply_taps(T const* image, T const* dy, T* dw, std::int64_t rows, bool accumulate) {
        // With one run a row all rows of the kernel are one grid, else each is a grid of its own.
        constexpr int grids = whole_rows ? 1 : s.kernel_height;
        for (std::int64_t grid = 0; grid < grids; ++grid)
            for_each_piece<tile_rows(Vectors), whole_rows ? s.kernel_height : s.kernel_width, run>(
                [&]<int Rows>(int row, int column) {
                    multiply_tile<weight_layout<UpstreamStride>, Rows, Vectors, LastLanes>(
                        image + grid * s.dilation_height * image_row + row * run_step + column, dy,
                        dw + (grid * kernel_row + std::int64_t{row} * run + column) * s.out_stride, rows, s.out_width,
                        accumulate);
                });
    }

    template <int Height>
    static void forward_rows(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        column_panels<T, s.out_channels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
            multiply_pieces<Height, Vectors, LastLanes>(image, w + panel, y + panel, s.kernel_height, false);
        });
        tail(first, std::int64_t{Height} * s.out_width);
    }
};

/// to[column][row] = from[row][column], in squares that fit into registers as far as they go.
template <int Rows, int Columns, int FromStride, int ToStride, class T>
void transpose_matrix(T const* from, T* to) {
    constexpr int lanes = vector_lanes<T>;
    constexpr int square_rows = Rows / lanes * lanes, square_columns = Columns / lanes * lanes;
    for (std::int64_t row = 0; row < square_rows; row += lanes)
        for (std::int64_t column = 0; column < square_columns; column += lanes)
            pack_square<lanes, lanes, FromStride, ToStride>(from + row * FromStride + column,
                                                            to + column * ToStride + row);
    for (std::int64_t column = 0; column < Columns; ++column)
        for (std::int64_t row = column < square_columns ? square_rows : 0; row < Rows; ++row)
            to[column * ToStride + row] = from[row * FromStride + column];
}

/// Copies an image into the inside of a larger one whose other pixels stay as they are: pixel (h, w) goes to
/// (h * SpreadHeight + Top, w * SpreadWidth + Left), if that is there.
template <int Channels, int Height, int Width, int ToHeight, int ToWidth, int SpreadHeight, int SpreadWidth,
          int Top, int Left, class T>
void place_image(T const* from, T* to) {
    for (int h = 0; h < Height; ++h) {
        int const row = h * SpreadHeight + Top;
        if (row < 0 || row >= ToHeight) continue;
        T const* const source = from + std::int64_t{h} * Width * Channels;
        T* const target = to + std::int64_t{row} * ToWidth * Channels;
        if constexpr (SpreadWidth == 1 && Left >= 0 && Left + Width <= ToWidth) {
            std::copy_n(source, Width * Channels, target + Left * Channels);
        } else {
            for (int w = 0; w < Width; ++w) {
                int const column = w * SpreadWidth + Left;
                if (column < 0 || column >= ToWidth) continue;
                std::copy_n(source + w * Channels, Channels, target + column * Channels);
            }
        }
    }
}

} // namespace tiles
} // namespace lockstep::host
