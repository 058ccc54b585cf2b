// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/alignment.hpp>
#include <lockstep/device/grid/dense_product.hpp>
#include <lockstep/expression/convolution.hpp>
#include <lockstep/tensor/bf16.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>

/// Convolutions as numbers: what a library is told.
namespace lockstep::grid {

/// Which of a convolution's image x, weights w and result y is computed of the other two.
enum class convolution_kind {
    forward,        // x, w -> y
    data_gradient,  // y, w -> x
    weight_gradient // x, y -> w
};

/// Images lie as [samples][height][width][channels], weights as [out channels][window height][window width][in channels /
/// groups], all with nothing between their elements, which are floats or rounded. Sums are of floats.
struct dense_convolution {
    struct image {
        std::int64_t channels = 0, height = 0, width = 0;
        /// Bytes of which its address is a multiple.
        std::uint32_t alignment = largest_alignment;
        constexpr std::int64_t size() const { return channels * height * width; }
    };
    /// A number for the height and one for the width.
    struct pair {
        std::int64_t height = 0, width = 0;
    };

    convolution_kind kind = convolution_kind::forward;
    /// How these are stored.
    leaf_content operands = leaf_content::number, result = leaf_content::number;
    std::int64_t samples = 0;
    image in, out;
    std::int64_t groups = 1;
    pair window, stride, padding, dilation;

    constexpr std::int64_t group_in() const { return in.channels / groups; }
    constexpr std::int64_t weight_size() const { return out.channels * window.height * window.width * group_in(); }
    constexpr double flops() const {
        return 2.0 * static_cast<double>(weight_size()) * static_cast<double>(samples) *
               static_cast<double>(out.height * out.width);
    }
    /// Whether a library is worth it, as dense_product::is_large says it.
    constexpr bool is_large() const {
        constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
        return flops() >= 0x1p26 &&
               std::max({samples * in.size(), samples * out.size(), weight_size()}) <= most;
    }
};

namespace detail {

/// A library has kernels for products of matrices. Groups of few channels leave most of one empty, and a window of one
/// pixel that misses none is a product as it stands.
template <class Geometry>
inline constexpr bool is_dense_convolution =
    !pointwise<Geometry>::found && (Geometry::groups == 1 || std::min(Geometry::group_in, Geometry::group_out) >= 8);

template <convolution_kind Kind, class Geometry, class Left, class Right>
struct described_convolution {
    using geometry = Geometry;
    using left = Left;
    using right = Right;
    static constexpr convolution_kind kind = Kind;
    static constexpr bool found = is_dense_convolution<Geometry>;

    template <class T, class R = T>
    static constexpr dense_convolution of(std::int64_t samples) {
        using g = Geometry;
        dense_convolution c;
        c.kind = Kind;
        c.operands = content_of_stored<stored<T, Left>>;
        c.result = content_of_stored<R>;
        c.samples = samples;
        c.in = {g::in_channels, g::in_height, g::in_width};
        c.out = {g::out_channels, g::out_height, g::out_width};
        c.groups = g::groups;
        c.window = {g::kernel_height, g::kernel_width};
        c.stride = {g::stride_height, g::stride_width};
        c.padding = {g::padding_height, g::padding_width};
        c.dilation = {g::dilation_height, g::dilation_width};
        (Kind == convolution_kind::data_gradient ? c.out : c.in).alignment = alignment_of<T, Left>;
        if (Kind == convolution_kind::weight_gradient) c.out.alignment = alignment_of<T, Right>;
        return c;
    }
};

} // namespace detail

/// Which convolution an expression over numbered operands is, of so many samples: of<T, R>(samples), computed with numbers
/// of type T for a result that is stored as R. `left` and `right` are its operands, `found`: whether it is one.
template <class E>
struct dense_convolution_of {
    static constexpr bool found = false;
};

template <class Window, int Groups, class X, class W>
struct dense_convolution_of<compute<primitive::convolution<Window, Groups>, X, W>>
    : detail::described_convolution<convolution_kind::forward,
                                    typename primitive::convolution<Window, Groups>::template geometry<X, W>, X, W> {};
template <class Geometry, class G, class W>
struct dense_convolution_of<compute<primitive::convolution_data_gradient<Geometry>, G, W>>
    : detail::described_convolution<convolution_kind::data_gradient, Geometry, G, W> {};
template <class Geometry, class X, class G>
struct dense_convolution_of<compute<primitive::convolution_weight_gradient<Geometry>, X, G>>
    : detail::described_convolution<convolution_kind::weight_gradient, Geometry, X, G> {};

} // namespace lockstep::grid
