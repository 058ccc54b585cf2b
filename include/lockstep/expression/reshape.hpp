// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>

namespace lockstep {

namespace primitive {

/// The same elements in PyTorch's order under another shape of the same size. In memory they move where an image,
/// which lies channels-last, is on one side.
template <any_shape Shape>
struct reshape {
    static constexpr char const* name = "reshape";
    template <class>
    using result_shape = Shape;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<reshape<typename decltype(x)::result_shape>, decltype(upstream)>{};
    }
};

} // namespace primitive

/// x as a Shape of the same size, its elements in PyTorch's order.
template <any_shape Shape, expression X>
    requires(Shape::size == X::result_shape::size)
constexpr auto reshape(X) {
    return compute<primitive::reshape<Shape>, X>{};
}

} // namespace lockstep
