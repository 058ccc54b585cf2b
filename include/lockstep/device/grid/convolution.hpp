// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/direct_product.hpp>
#include <lockstep/device/grid/operand.hpp>
#include <lockstep/device/grid/patches.hpp>
#include <lockstep/device/grid/product.hpp>
#include <lockstep/device/grid/upstream_patches.hpp>
#include <lockstep/expression/convolution.hpp>

#include <cstdint>
#include <type_traits>

/// Convolutions as products of matrices, one for each group of channels. Images lie channels-last.
namespace lockstep::grid {

template <class Geometry>
struct convolution_extents : Geometry {
    static constexpr std::int64_t taps = std::int64_t{Geometry::kernel_height} * Geometry::kernel_width;
    static constexpr std::int64_t out_pixels = std::int64_t{Geometry::out_height} * Geometry::out_width;
};

/// y[pixels, out channels] = patches of x[pixels, taps] w[taps, out channels].
template <class T, class Geometry, class X, class W>
struct convolution_product : convolution_extents<Geometry> {
    using g = convolution_extents<Geometry>;
    static constexpr std::int64_t columns = g::group_out;
    using tile = tile_for<typical_samples * g::out_pixels, columns>;

    static constexpr std::int64_t places(std::int64_t) { return g::groups; }
    static constexpr std::int64_t rows(std::int64_t samples) { return samples * g::out_pixels; }
    static constexpr std::int64_t depth(std::int64_t) { return g::taps * g::group_in; }
    static constexpr std::int64_t result_size(std::int64_t samples) { return samples * g::output_size; }
    static constexpr std::int64_t row_start(std::int64_t group, std::int64_t row) {
        return row * g::out_channels + group * g::group_out;
    }
    static constexpr auto left(call const& c, std::int64_t group) {
        return image_patches<stored<T, X>, Geometry>{elements_of<T, X>(c) + group * g::group_in};
    }
    static constexpr auto right(call const& c, std::int64_t group) {
        return matrix_columns<stored<T, W>, g::out_channels>{{elements_of<T, W>(c) + group * g::group_out}};
    }
};

/// dx[pixels, in channels] = patches of dy[pixels, taps] w[taps, in channels], for each class of pixels and group of
/// channels.
template <class T, class Geometry, class G, class W>
struct data_gradient_product : convolution_extents<Geometry> {
    using g = convolution_extents<Geometry>;
    using pixels = image_class<Geometry>;
    static constexpr std::int64_t columns = g::group_in;
    using tile = tile_for<typical_samples * pixels::most_pixels, columns>;

    static constexpr std::int64_t places(std::int64_t) { return pixels::count * g::groups; }
    static constexpr std::int64_t rows(std::int64_t samples) { return samples * pixels::most_pixels; }
    static constexpr std::int64_t depth(std::int64_t) { return pixels::most_taps * g::group_out; }
    static constexpr std::int64_t depth_of(std::int64_t, std::int64_t place) {
        return class_of(place).taps() * g::group_out;
    }
    static constexpr std::int64_t result_size(std::int64_t samples) { return samples * g::input_size; }
    static constexpr std::int64_t row_start(std::int64_t place, std::int64_t row) {
        auto const pixel = class_of(place).pixel(row);
        if (!pixel.exists()) return -1;
        std::int64_t const index = (pixel.sample * g::in_height + pixel.row) * g::in_width + pixel.column;
        return index * g::in_channels + place % g::groups * g::group_in;
    }
    static constexpr auto left(call const& c, std::int64_t place) {
        auto const* const upstream = elements_of<T, G>(c) + place % g::groups * g::group_out;
        return upstream_patches<stored<T, G>, Geometry>{upstream, class_of(place)};
    }
    static constexpr auto right(call const& c, std::int64_t place) {
        auto const* const weights = elements_of<T, W>(c) + place % g::groups * g::group_out;
        return weights_by_out_channel<stored<T, W>, Geometry>{weights, class_of(place)};
    }

private:
    static constexpr pixels class_of(std::int64_t place) { return pixels::of(static_cast<int>(place / g::groups)); }
};

/// dw[taps, out channels] = patches of x[pixels, taps]^T dy[pixels, out channels], over the pixels of all samples.
template <class T, class Geometry, class X, class G>
struct weight_gradient_product : convolution_extents<Geometry> {
    using g = convolution_extents<Geometry>;
    static constexpr std::int64_t columns = g::group_out;
    using tile = tile_for<g::taps * g::group_in, columns>;

    static constexpr std::int64_t places(std::int64_t) { return g::groups; }
    static constexpr std::int64_t rows(std::int64_t) { return g::taps * g::group_in; }
    static constexpr std::int64_t depth(std::int64_t samples) { return samples * g::out_pixels; }
    static constexpr std::int64_t result_size(std::int64_t) { return g::weight_size; }
    static constexpr std::int64_t row_start(std::int64_t group, std::int64_t row) {
        return row * g::out_channels + group * g::group_out;
    }
    static constexpr auto left(call const& c, std::int64_t group) {
        return turned<image_patches<stored<T, X>, Geometry>>{{elements_of<T, X>(c) + group * g::group_in}};
    }
    static constexpr auto right(call const& c, std::int64_t group) {
        return matrix_columns<stored<T, G>, g::out_channels>{{elements_of<T, G>(c) + group * g::group_out}};
    }
};

/// Groups of few channels, as those of a depthwise convolution, leave most of a tile empty.
template <class T, class R, class Product>
using convolution_kernels = std::conditional_t<(Product::groups > 1 && Product::columns < 8),
                                               direct_kernels<T, R, Product>, product_kernels<T, R, Product>>;

template <class T, class Window, int Groups, class X, class W, class R>
struct kernels_for<T, compute<primitive::convolution<Window, Groups>, X, W>, R>
    : convolution_kernels<
          T, R, convolution_product<T, typename primitive::convolution<Window, Groups>::template geometry<X, W>, X, W>> {
    static_assert(X::per_sample && !W::per_sample);
};
template <class T, class Geometry, class G, class W, class R>
struct kernels_for<T, compute<primitive::convolution_data_gradient<Geometry>, G, W>, R>
    : convolution_kernels<T, R, data_gradient_product<T, Geometry, G, W>> {
    static_assert(G::per_sample && !W::per_sample);
};
template <class T, class Geometry, class X, class G, class R>
struct kernels_for<T, compute<primitive::convolution_weight_gradient<Geometry>, X, G>, R>
    : convolution_kernels<T, R, weight_gradient_product<T, Geometry, X, G>> {
    static_assert(X::per_sample && G::per_sample);
};

} // namespace lockstep::grid
