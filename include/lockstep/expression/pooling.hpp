// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/averaging.hpp>
#include <lockstep/shape/convolution.hpp>

namespace lockstep {

namespace primitive {

/// The gradient of a maximum over windows: each upstream value goes to the first maximum of its window, which
/// is found again from the image, so that no index is stored.
template <class Geometry>
struct max_pool_gradient {
    using geometry = Geometry;
    static constexpr char const* name = "max_pool gradient";
    template <class, class>
    using result_shape = shape<Geometry::channels, Geometry::in_height, Geometry::in_width>;
    template <class, class>
    static constexpr bool per_sample = true;
    template <class, class>
    static constexpr double flops =
        static_cast<double>(Geometry::output_size) * Geometry::kernel_height * Geometry::kernel_width;
};

/// The maximum over each window of an image [channels, height, width].
template <class Window>
struct max_pool {
    static constexpr char const* name = "max_pool";
    template <class X>
    using geometry = pooling_geometry<X::result_shape::extents[0], X::result_shape::extents[1],
                                      X::result_shape::extents[2], Window>;
    template <class X>
    using result_shape = shape<geometry<X>::channels, geometry<X>::out_height, geometry<X>::out_width>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops =
        static_cast<double>(geometry<X>::output_size) * Window::kernel_height * Window::kernel_width;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<max_pool_gradient<geometry<decltype(x)>>, decltype(x), decltype(upstream)>{};
    }
};

/// Averages over parts of an image [channels, height, width], and their transpose, which spreads each value
/// evenly over its part. Each is the other's gradient.
template <class Average>
struct avg_pool;
template <class Geometry>
struct avg_pool_gradient;

template <class Average>
struct avg_pool {
    static constexpr char const* name = "avg_pool";
    template <class X>
    using geometry = averaging_geometry<X::result_shape::extents[0], X::result_shape::extents[1],
                                        X::result_shape::extents[2], Average>;
    template <class X>
    using result_shape = shape<geometry<X>::channels, geometry<X>::out_height, geometry<X>::out_width>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = geometry<X>::flops;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<avg_pool_gradient<geometry<decltype(x)>>, decltype(upstream)>{};
    }
};

template <class Geometry>
struct avg_pool_gradient {
    using geometry = Geometry;
    static constexpr char const* name = "avg_pool gradient";
    template <class>
    using result_shape = shape<Geometry::channels, Geometry::in_height, Geometry::in_width>;
    template <class G>
    static constexpr bool per_sample = G::per_sample;
    template <class>
    static constexpr double flops = Geometry::flops;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return compute<avg_pool<typename Geometry::average>, decltype(upstream)>{};
    }
};

} // namespace primitive

template <class Window, expression X>
constexpr auto max_pool(X) {
    return compute<primitive::max_pool<Window>, X>{};
}

/// The averages of x[C, H, W] that a rule, moving_average or adaptive_average, names.
template <class Average, expression X>
constexpr auto avg_pool(X) {
    return compute<primitive::avg_pool<Average>, X>{};
}

} // namespace lockstep
