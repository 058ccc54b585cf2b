// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>

namespace lockstep::primitive {

/// An image [channels, height, width] brought from PyTorch's order in memory to channels-last, or back. Each
/// direction is the other's gradient; the values and the shape stay as they are.
template <bool ToChannelsLast>
struct reorder_image {
    static constexpr char const* name = ToChannelsLast ? "to channels-last" : "from channels-last";
    template <class X>
    using result_shape = typename X::result_shape;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return compute<reorder_image<!ToChannelsLast>, decltype(upstream)>{};
    }
};

} // namespace lockstep::primitive
