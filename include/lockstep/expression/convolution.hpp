// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/convolution.hpp>

namespace lockstep {

namespace detail {

template <class Image, class Weight, class Window, int Groups>
using geometry_of = convolution_geometry<Image::extents[0], Image::extents[1], Image::extents[2],
                                         Weight::extents[3], Window, Groups>;

template <class Window, class Image, int OutChannels>
using window_positions =
    shape<OutChannels, Window::out_height(Image::extents[1]), Window::out_width(Image::extents[2])>;

} // namespace detail

namespace primitive {

/// Products of an image x[in channels, height, width], an image y[out channels, out height, out width] and weights
/// w[window height, window width, in channels / groups, out channels]. Each is linear in both operands, and the
/// three are closed under differentiation:
///
///   convolution                  x, w -> y   cross-correlation, as PyTorch's Conv2d without its bias
///   convolution_data_gradient    y, w -> x   its transpose in x, as PyTorch's ConvTranspose2d without its bias
///   convolution_weight_gradient  x, y -> w   its transpose in w, summed over all samples
template <class Window, int Groups>
struct convolution;
template <class Geometry>
struct convolution_data_gradient;
template <class Geometry>
struct convolution_weight_gradient;

template <class Window, int Groups>
struct convolution {
    static constexpr char const* name = "convolution";
    template <class X, class W>
    using geometry = detail::geometry_of<typename X::result_shape, typename W::result_shape, Window, Groups>;
    template <class X, class W>
    using result_shape =
        detail::window_positions<Window, typename X::result_shape, W::result_shape::extents[3]>;
    template <class, class>
    static constexpr bool per_sample = true;
    template <class X, class W>
    static constexpr double flops = geometry<X, W>::flops;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto w) {
        using shape_rule = geometry<decltype(x), decltype(w)>;
        if constexpr (Operand == 0)
            return compute<convolution_data_gradient<shape_rule>, decltype(upstream), decltype(w)>{};
        else return compute<convolution_weight_gradient<shape_rule>, decltype(x), decltype(upstream)>{};
    }
};

template <class Geometry>
struct convolution_data_gradient {
    using geometry = Geometry;
    static constexpr char const* name = "convolution data gradient";
    template <class, class>
    using result_shape = shape<Geometry::in_channels, Geometry::in_height, Geometry::in_width>;
    template <class, class>
    static constexpr bool per_sample = true;
    template <class, class>
    static constexpr double flops = Geometry::flops;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto y, auto w) {
        using forward = convolution<typename Geometry::window_type, Geometry::groups>;
        if constexpr (Operand == 0) return compute<forward, decltype(upstream), decltype(w)>{};
        else return compute<convolution_weight_gradient<Geometry>, decltype(upstream), decltype(y)>{};
    }
};

template <class Geometry>
struct convolution_weight_gradient {
    using geometry = Geometry;
    static constexpr char const* name = "convolution weight gradient";
    template <class, class>
    using result_shape =
        shape<Geometry::kernel_height, Geometry::kernel_width, Geometry::group_in, Geometry::out_channels>;
    template <class, class>
    static constexpr bool per_sample = false;
    template <class, class>
    static constexpr double flops = Geometry::flops;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto y) {
        using forward = convolution<typename Geometry::window_type, Geometry::groups>;
        if constexpr (Operand == 0)
            return compute<convolution_data_gradient<Geometry>, decltype(y), decltype(upstream)>{};
        else return compute<forward, decltype(x), decltype(upstream)>{};
    }
};

} // namespace primitive

/// The convolution of x[C, H, W] with w[window height, window width, C / Groups, out channels].
template <class Window, int Groups = 1, expression X, expression W>
constexpr auto convolve(X, W) {
    return compute<primitive::convolution<Window, Groups>, X, W>{};
}

/// The transposed convolution of x[C, H, W] with w[window height, window width, out channels / Groups, C]: every
/// pixel of x adds the window, times its value, to the result.
template <class Window, int Groups = 1, int OutputPaddingHeight = 0, int OutputPaddingWidth = 0, expression X,
          expression W>
constexpr auto convolve_transposed(X, W) {
    using image = typename X::result_shape;
    using geometry = transposed_geometry<image::extents[0], image::extents[1], image::extents[2],
                                         W::result_shape::extents[2] * Groups, Window, Groups,
                                         OutputPaddingHeight, OutputPaddingWidth>;
    return compute<primitive::convolution_data_gradient<geometry>, X, W>{};
}

} // namespace lockstep
