// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/pooling.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/layer/window_options.hpp>

namespace lockstep {

/// The maximum over windows: [channels, height, width] -> [channels, out height, out width], as PyTorch's
/// MaxPool2d: the stride is the window's size unless stride<S> says otherwise; padding<P>, dilation<D>,
/// window_width<W>.
template <int Kernel, class... Options>
struct max_pool2d {
    using window = window_from<Kernel, Kernel, Options...>;
    static_assert(2 * window::padding_height <= window::kernel_height &&
                      2 * window::padding_width <= window::kernel_width,
                  "padding is at most half the window, so that every window holds a pixel");

    template <class In>
    using broken_rule = decltype(detail::broken_window_rule<2, In, window>());

    constexpr auto operator()(auto x) const { return max_pool<window>(x); }
};

} // namespace lockstep
