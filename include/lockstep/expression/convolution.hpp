// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/convolution.hpp>

namespace lockstep {

namespace detail {

template <class Image, class Weight, class Window>
using geometry_of = convolution_geometry<Image::extents[0], Image::extents[1], Image::extents[2],
                                         Weight::extents[3], Window>;

template <class Window, class Image, int OutChannels>
using window_positions =
    shape<OutChannels, Window::out_height(Image::extents[1]), Window::out_width(Image::extents[2])>;

} // namespace detail

namespace primitive {

/// The gradient of a convolution with respect to its image, from the upstream gradient and the weights.
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
};

/// The gradient of a convolution with respect to its weights, summed over all samples, from the image and the
/// upstream gradient.
template <class Geometry>
struct convolution_weight_gradient {
    using geometry = Geometry;
    static constexpr char const* name = "convolution weight gradient";
    template <class, class>
    using result_shape =
        shape<Geometry::kernel_height, Geometry::kernel_width, Geometry::in_channels, Geometry::out_channels>;
    template <class, class>
    static constexpr bool per_sample = false;
    template <class, class>
    static constexpr double flops = Geometry::flops;
};

/// The cross-correlation of an image [in channels, height, width] with weights
/// [window height, window width, in channels, out channels], as PyTorch's Conv2d without its bias.
template <class Window>
struct convolution {
    static constexpr char const* name = "convolution";
    template <class X, class W>
    using geometry = detail::geometry_of<typename X::result_shape, typename W::result_shape, Window>;
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

} // namespace primitive

/// The convolution of x[C, H, W] with w[window height, window width, C, out channels].
template <class Window, expression X, expression W>
constexpr auto convolve(X, W) {
    return compute<primitive::convolution<Window>, X, W>{};
}

} // namespace lockstep
