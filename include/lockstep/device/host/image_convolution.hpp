// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/depthwise_convolution.hpp>
#include <lockstep/device/host/gradient_phase.hpp>
#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/device/host/scratch.hpp>
#include <lockstep/device/host/tile_convolution.hpp>
#include <lockstep/shape/convolution.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace lockstep::host {

namespace tiles {

/// The products of all groups of channels; Sizes are those of one.
template <class T, product_sizes Sizes>
struct grouped_product {
    static constexpr int groups = Sizes.pixel_stride / Sizes.channels;
    using product = image_product<T, Sizes>;

    static void forward(T const* image, T const* w, T* y, std::int64_t first, row_tail tail) {
        for (int group = 0; group < groups; ++group)
            product::forward(image + group * Sizes.channels, w + group * Sizes.out_channels,
                             y + group * Sizes.out_channels, first, groups == 1 ? tail : row_tail{});
        if constexpr (groups > 1) tail(first, std::int64_t{Sizes.out_height} * Sizes.out_width);
    }
    static void weight_gradient(T const* image, T const* dy, T* dw, bool accumulate) {
        for (int group = 0; group < groups; ++group)
            product::weight_gradient(image + group * Sizes.channels, dy + group * Sizes.out_channels,
                                     dw + group * Sizes.out_channels, accumulate);
    }
};

/// Groups of one channel each go along the lanes, others one after another.
template <class T, product_sizes Sizes>
using any_product =
    std::conditional_t<(Sizes.channels == 1 && Sizes.out_channels == 1 && Sizes.pixel_stride == Sizes.out_stride &&
                        Sizes.pixel_stride > 1),
                       depthwise_product<T, Sizes>, grouped_product<T, Sizes>>;

} // namespace tiles

/// Convolutions one image after the other, on register tiles. From 14x14 pixels on they came within a tenth of
/// oneDNN's kernels on channels-last images, without reordering weights.
template <class T, class Geometry>
class image_convolution {
    using g = Geometry;

public:
    /// y[n] from x[n] and w; tail gets the pixels of y.
    void forward(T const* x, T const* w, T* y, std::int64_t n, row_tail tail) {
        for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, y += g::output_size)
            product::forward(padded(x), w, y, sample * out_pixels, tail);
    }

    /// dx[n] from dy[n] and w; tail gets the pixels of dx. In each phase of the stride a convolution of dy with a
    /// part of the kernel, turned by half a turn.
    void data_gradient(T const* dy, T const* w, T* dx, std::int64_t n, row_tail tail) {
        T* const turned = turned_.get(g::weight_size);
        for_each_phase([&]<int Row, int Column>() { turn<Row, Column>(w, turned + turned_offset<Row, Column>()); });
        for (std::int64_t sample = 0; sample < n; ++sample, dy += g::output_size, dx += g::input_size) {
            T const* const upstream = with_margin(dy);
            if constexpr (g::stride_height == 1 && g::stride_width == 1) {
                gradient_product<0, 0>::forward(upstream + upstream_offset<0, 0>(), turned, dx, sample * in_pixels,
                                                tail);
            } else {
                if constexpr (!phases_cover_image()) std::fill_n(dx, g::input_size, T{});
                for_each_phase([&]<int Row, int Column>() {
                    constexpr gradient_phase rows = row_phases[Row], columns = column_phases[Column];
                    T* const part = part_.get(largest_part());
                    gradient_product<Row, Column>::forward(upstream + upstream_offset<Row, Column>(),
                                                           turned + turned_offset<Row, Column>(), part, 0, {});
                    tiles::place_image<g::in_channels, rows.positions, columns.positions, g::in_height, g::in_width,
                                       g::stride_height, g::stride_width, rows.first_position, columns.first_position>(
                        part, dx);
                });
                tail(sample * in_pixels, in_pixels);
            }
        }
    }

    /// dw, summed over the images, from x[n] and dy[n]. Without images it is zero.
    void weight_gradient(T const* x, T const* dy, T* dw, std::int64_t n) {
        if (n == 0) std::fill_n(dw, g::weight_size, T{});
        for (std::int64_t sample = 0; sample < n; ++sample, x += g::input_size, dy += g::output_size)
            product::weight_gradient(padded(x), dy, dw, sample > 0);
    }

private:
    static constexpr std::int64_t in_pixels = std::int64_t{g::in_height} * g::in_width;
    static constexpr std::int64_t out_pixels = std::int64_t{g::out_height} * g::out_width;
    static constexpr int padded_height = g::in_height + 2 * g::padding_height;
    static constexpr int padded_width = g::in_width + 2 * g::padding_width;

    using product = tiles::any_product<T, tiles::product_sizes{.channels = g::group_in,
                                                               .pixel_stride = g::in_channels,
                                                               .image_width = padded_width,
                                                               .out_channels = g::group_out,
                                                               .out_stride = g::out_channels,
                                                               .out_height = g::out_height,
                                                               .out_width = g::out_width,
                                                               .kernel_height = g::kernel_height,
                                                               .kernel_width = g::kernel_width,
                                                               .stride_height = g::stride_height,
                                                               .stride_width = g::stride_width,
                                                               .dilation_height = g::dilation_height,
                                                               .dilation_width = g::dilation_width}>;

    static constexpr auto row_phases =
        gradient_phases<g::kernel_height, g::stride_height, g::dilation_height, g::padding_height>(g::in_height);
    static constexpr auto column_phases =
        gradient_phases<g::kernel_width, g::stride_width, g::dilation_width, g::padding_width>(g::in_width);
    static constexpr upstream_margin row_margin = margin_of(row_phases, g::out_height);
    static constexpr upstream_margin column_margin = margin_of(column_phases, g::out_width);
    static constexpr int upstream_height = row_margin.before + g::out_height + row_margin.after;
    static constexpr int upstream_width = column_margin.before + g::out_width + column_margin.after;

    template <int Row, int Column>
    using gradient_product =
        tiles::any_product<T, tiles::product_sizes{.channels = g::group_out,
                                                   .pixel_stride = g::out_channels,
                                                   .image_width = upstream_width,
                                                   .out_channels = g::group_in,
                                                   .out_stride = g::in_channels,
                                                   .out_height = row_phases[Row].positions,
                                                   .out_width = column_phases[Column].positions,
                                                   .kernel_height = row_phases[Row].taps,
                                                   .kernel_width = column_phases[Column].taps,
                                                   .dilation_height = row_phases[Row].dilation,
                                                   .dilation_width = column_phases[Column].dilation}>;

    /// Calls visit.operator()<Row, Column>() for the phases that compute something.
    template <class Visit>
    static void for_each_phase(Visit&& visit) {
        [&]<int... Phase>(std::integer_sequence<int, Phase...>) {
            (visit_phase<Phase / g::stride_width, Phase % g::stride_width>(visit), ...);
        }(std::make_integer_sequence<int, g::stride_height * g::stride_width>{});
    }
    template <int Row, int Column, class Visit>
    static void visit_phase(Visit& visit) {
        if constexpr (!row_phases[Row].is_empty() && !column_phases[Column].is_empty())
            visit.template operator()<Row, Column>();
    }

    /// Whether every pixel of dx has a tap that reaches it.
    static constexpr bool phases_cover_image() {
        for (gradient_phase const& phase : row_phases)
            if (phase.positions > 0 && phase.taps == 0) return false;
        for (gradient_phase const& phase : column_phases)
            if (phase.positions > 0 && phase.taps == 0) return false;
        return true;
    }
    static constexpr std::int64_t largest_part() {
        int rows = 0, columns = 0;
        for (gradient_phase const& phase : row_phases) rows = std::max(rows, phase.positions);
        for (gradient_phase const& phase : column_phases) columns = std::max(columns, phase.positions);
        return std::int64_t{rows} * columns * g::in_channels;
    }
    /// Where a phase's part of the turned kernel starts: the parts lie one after another.
    template <int Row, int Column>
    static constexpr std::int64_t turned_offset() {
        std::int64_t taps = 0;
        for (int row = 0; row < g::stride_height; ++row)
            for (int column = 0; column < g::stride_width; ++column)
                if (row < Row || (row == Row && column < Column))
                    taps += std::int64_t{row_phases[row].taps} * column_phases[column].taps;
        return taps * g::group_out * g::in_channels;
    }
    /// Where the pixels under a phase's first position start.
    template <int Row, int Column>
    static constexpr std::int64_t upstream_offset() {
        return (std::int64_t{row_margin.before + row_phases[Row].first_upstream} * upstream_width +
                column_margin.before + column_phases[Column].first_upstream) *
               g::out_channels;
    }

    T const* padded(T const* x) {
        if constexpr (g::padding_height == 0 && g::padding_width == 0) {
            return x;
        } else {
            T* const image = padded_.get(std::int64_t{padded_height} * padded_width * g::in_channels);
            tiles::place_image<g::in_channels, g::in_height, g::in_width, padded_height, padded_width, 1, 1,
                               g::padding_height, g::padding_width>(x, image);
            return image;
        }
    }

    T const* with_margin(T const* dy) {
        if constexpr (upstream_height == g::out_height && upstream_width == g::out_width) {
            return dy;
        } else {
            T* const image = upstream_.get(std::int64_t{upstream_height} * upstream_width * g::out_channels);
            tiles::place_image<g::out_channels, g::out_height, g::out_width, upstream_height, upstream_width, 1, 1,
                               row_margin.before, column_margin.before>(dy, image);
            return image;
        }
    }

    // turned[i][j][o][ic] = w[row of the kernel][column][ic in its group][o of the group], the phase's taps backwards.
    template <int Row, int Column>
    static void turn(T const* w, T* turned) {
        constexpr gradient_phase rows = row_phases[Row], columns = column_phases[Column];
        for (int i = rows.taps - 1; i >= 0; --i)
            for (int j = columns.taps - 1; j >= 0; --j) {
                T const* const tap = w + (std::int64_t{rows.first_tap + i * rows.tap_step} * g::kernel_width +
                                          columns.first_tap + j * columns.tap_step) *
                                             g::group_in * g::out_channels;
                for (int group = 0; group < g::groups; ++group)
                    tiles::transpose_matrix<g::group_in, g::group_out, g::out_channels, g::in_channels>(
                        tap + group * g::group_out, turned + group * g::group_in);
                turned += std::int64_t{g::group_out} * g::in_channels;
            }
    }

    scratch<T> padded_;
    scratch<T> upstream_;
    scratch<T> part_;
    scratch<T> turned_;
};

} // namespace lockstep::host
