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

/// A convolution without padding of one channels-last image with rows of `ImageWidth` pixels, as a product
/// without the matrix of patches: for one row of the kernel the elements under it lie next to each other.
template <class T, int Channels, int ImageWidth, int OutChannels, int OutHeight, int OutWidth, int KernelHeight,
          int KernelWidth, int StrideHeight, int StrideWidth>
struct image_product {
    static constexpr std::int64_t image_row = std::int64_t{ImageWidth} * Channels;
    static constexpr int kernel_row = KernelWidth * Channels;

    /// Rows of the tile are output pixels, the sum runs over the kernel.
    struct forward_layout {
        static constexpr std::int64_t left_row(int pixel) {
            return pixel / OutWidth * StrideHeight * image_row +
                   std::int64_t{pixel % OutWidth} * StrideWidth * Channels;
        }
        static constexpr std::int64_t left_outer = image_row;
        static constexpr std::int64_t left_step = 1;
        static constexpr std::int64_t right_step = OutChannels;
        static constexpr std::int64_t result_row = OutChannels;
    };

    /// Rows of the tile are kernel positions and input channels, the sum runs over the output pixels.
    template <int UpstreamStride>
    struct weight_layout {
        static constexpr std::int64_t left_row(int tap) { return tap / kernel_row * image_row + tap % kernel_row; }
        static constexpr std::int64_t left_outer = StrideHeight * image_row;
        static constexpr std::int64_t left_step = std::int64_t{StrideWidth} * Channels;
        static constexpr std::int64_t right_step = UpstreamStride;
        static constexpr std::int64_t result_row = OutChannels;
    };

    /// y[pixel][OutChannels] of one image; its first pixel is row `first` of the whole result.
    static void forward(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        if constexpr (by_kernel_row) {
            // The weights of one panel and one row of the kernel stay in the first-level cache for the image.
            column_panels<T, OutChannels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
                for (std::int64_t kernel = 0; kernel < KernelHeight; ++kernel)
                    multiply_pieces<OutHeight, Vectors, LastLanes>(
                        image + kernel * image_row, w + kernel * kernel_row * OutChannels + panel, y + panel, 1,
                        kernel > 0);
            });
            tail(first, std::int64_t{OutHeight} * OutWidth);
            return;
        }
        // Some rows of the result at a time go through all panels of channels, so that the tail finds them in
        // the first-level cache.
        constexpr int rows_at_once = std::max(1, std::min(OutHeight, vector_registers / 2 / OutWidth));
        std::int64_t row = 0;
        for (; row + rows_at_once <= OutHeight; row += rows_at_once)
            forward_rows<rows_at_once>(image + row * StrideHeight * image_row, w, y + row * OutWidth * OutChannels,
                                       first + row * OutWidth, tail);
        if constexpr (OutHeight % rows_at_once != 0)
            forward_rows<OutHeight % rows_at_once>(image + row * StrideHeight * image_row, w,
                                                   y + row * OutWidth * OutChannels, first + row * OutWidth, tail);
    }

    /// dw[kernel position][Channels][OutChannels] of one image, or added to what is there.
    static void weight_gradient(T const* image, T const* dy, T* dw, bool accumulate) {
        column_panels<T, OutChannels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
            // Some rows of dy at a time, so that all pieces find them in the first-level cache.
            constexpr std::int64_t row_bytes = std::int64_t{OutWidth} * Vectors * vector_bytes;
            constexpr int height = static_cast<int>(std::clamp<std::int64_t>(packed_bytes / row_bytes, 1, OutHeight));
            for (int row = 0; row < OutHeight; row += height) {
                T const* const under = image + row * StrideHeight * image_row;
                T const* const upstream = dy + std::int64_t{row} * OutWidth * OutChannels + panel;
                int const rows = std::min(height, OutHeight - row);
                if constexpr (OutChannels == Vectors * vector_lanes<T> || row_bytes > packed_bytes) {
                    multiply_taps<OutChannels, Vectors, LastLanes>(under, upstream, dw + panel, rows,
                                                                   accumulate || row > 0);
                } else {
                    alignas(vector_bytes) T packed[height * row_bytes / sizeof(T)];
                    pack<Vectors, LastLanes, OutChannels>(upstream, packed, std::int64_t{rows} * OutWidth);
                    multiply_taps<Vectors * vector_lanes<T>, Vectors, LastLanes>(under, packed, dw + panel, rows,
                                                                                 accumulate || row > 0);
                }
            }
        });
    }

private:
    // Worth the visits to y where the weights are large and a row of the kernel is a long sum.
    static constexpr bool by_kernel_row = KernelHeight > 1 && kernel_row >= 64 &&
                                          sizeof(T) * KernelHeight * kernel_row * OutChannels > 32 * 1024;

    template <int Height, int Vectors, int LastLanes>
    static void multiply_pieces(T const* image, T const* w, T* y, std::int64_t kernel_rows, bool accumulate) {
        for_each_piece<tile_rows(Vectors), Height, OutWidth>([&]<int Rows>(int row, int column) {
            multiply_tile<forward_layout, Rows, Vectors, LastLanes>(
                image + row * StrideHeight * image_row + std::int64_t{column} * StrideWidth * Channels, w,
                y + (std::int64_t{row} * OutWidth + column) * OutChannels, kernel_rows, kernel_row, accumulate);
        });
    }

    template <int UpstreamStride, int Vectors, int LastLanes>
    static void multiply_taps(T const* image, T const* dy, T* dw, std::int64_t rows, bool accumulate) {
        for_each_piece<tile_rows(Vectors), KernelHeight, kernel_row>([&]<int Rows>(int row, int column) {
            multiply_tile<weight_layout<UpstreamStride>, Rows, Vectors, LastLanes>(
                image + row * image_row + column, dy, dw + (std::int64_t{row} * kernel_row + column) * OutChannels,
                rows, OutWidth, accumulate);
        });
    }

    template <int Height>
    static void forward_rows(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        column_panels<T, OutChannels>::for_each([&]<int Vectors, int LastLanes>(int panel) {
            multiply_pieces<Height, Vectors, LastLanes>(image, w + panel, y + panel, KernelHeight, false);
        });
        tail(first, std::int64_t{Height} * OutWidth);
    }
};

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
