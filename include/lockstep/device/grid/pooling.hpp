// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/covered_pixels.hpp>
#include <lockstep/device/grid/image_place.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/larger.hpp>
#include <lockstep/expression/pooling.hpp>

#include <algorithm>
#include <cstdint>

/// Maxima over windows of images [height][width][channels]. A unit is an element of the result; also the gradient is
/// gathered, each pixel from the windows that it is in, so that nothing is added by two groups.
namespace lockstep::grid {

/// Those of the windows of a maximum.
constexpr window_range windows_around(int pixel, int padding, int span, int stride, int positions) {
    int const padded = pixel + padding, earliest = padded - span + 1;
    return {earliest <= 0 ? 0 : (earliest + stride - 1) / stride, std::min(padded / stride + 1, positions)};
}

template <class T, class Geometry>
struct max_pool_loops {
    using g = Geometry;
    static_assert(covered_pixels::never_empty<g>(), "every window of a maximum holds a pixel of the image");

    static constexpr std::int64_t offset(int row, int column) {
        return (std::int64_t{row} * g::in_width + column) * g::channels;
    }

    /// The maximum of a window of one channel, NaN where it holds one.
    static constexpr T maximum(auto const* x, int out_row, int out_column) {
        covered_pixels const window = covered_pixels::of<g>(out_row, out_column);
        T best = x[offset(window.top, window.left)];
        for (int row = window.top; row < window.bottom; row += g::dilation_height)
            for (int column = window.left; column < window.right; column += g::dilation_width)
                best = larger_or_nan(best, static_cast<T>(x[offset(row, column)]));
        return best;
    }
    /// Where it is, from the channel's first element. As in PyTorch: of equal values the first in the order of rows
    /// stays, a NaN always wins.
    static constexpr std::int64_t where(auto const* x, int out_row, int out_column) {
        covered_pixels const window = covered_pixels::of<g>(out_row, out_column);
        std::int64_t best = offset(window.top, window.left);
        T value = x[best];
        for (int row = window.top; row < window.bottom; row += g::dilation_height)
            for (int column = window.left; column < window.right; column += g::dilation_width) {
                T const found = x[offset(row, column)];
                bool const wins = found > value || found != found;
                best = wins ? offset(row, column) : best;
                value = wins ? found : value;
            }
        return best;
    }
};

template <class T, class R, class Geometry, class X>
struct max_pool : kernel_base<1> {
    using g = Geometry;
    static constexpr std::int64_t units(call const& c) { return g::output_size * (X::per_sample ? c.samples : 1); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        image_place const to = image_place::of<g::out_height, g::out_width, g::channels>(unit);
        auto const* const x = elements_of<T, X>(c) + to.sample * g::input_size + to.channel;
        c.template out<R>()[unit] = max_pool_loops<T, g>::maximum(x, to.row, to.column);
    }
};

/// Of the windows that a pixel is in, those gradients whose maximum it is.
template <class T, class R, class Geometry, class X, class G>
struct max_pool_gradient : kernel_base<1> {
    using g = Geometry;
    static_assert(X::per_sample && G::per_sample);
    static constexpr std::int64_t units(call const& c) { return g::input_size * c.samples; }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        image_place const from = image_place::of<g::in_height, g::in_width, g::channels>(unit);
        auto const* const x = elements_of<T, X>(c) + from.sample * g::input_size + from.channel;
        auto const* const dy = elements_of<T, G>(c) + from.sample * g::output_size + from.channel;
        std::int64_t const own = max_pool_loops<T, g>::offset(from.row, from.column);
        window_range const rows =
            windows_around(from.row, g::padding_height, g::span_height, g::stride_height, g::out_height);
        window_range const columns =
            windows_around(from.column, g::padding_width, g::span_width, g::stride_width, g::out_width);
        T sum = 0;
        for (int row = rows.first; row < rows.last; ++row)
            for (int column = columns.first; column < columns.last; ++column)
                if (max_pool_loops<T, g>::where(x, row, column) == own)
                    sum += dy[(std::int64_t{row} * g::out_width + column) * g::channels];
        c.template out<R>()[unit] = sum;
    }
};

template <class T, class Window, class X, class R>
struct kernels_for<T, compute<primitive::max_pool<Window>, X>, R> {
    using type = passes<max_pool<T, R, typename primitive::max_pool<Window>::template geometry<X>, X>>;
};
template <class T, class Geometry, class X, class G, class R>
struct kernels_for<T, compute<primitive::max_pool_gradient<Geometry>, X, G>, R> {
    using type = passes<max_pool_gradient<T, R, Geometry, X, G>>;
};

} // namespace lockstep::grid
