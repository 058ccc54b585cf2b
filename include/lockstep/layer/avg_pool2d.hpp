// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/pooling.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/layer/window_options.hpp>

#include <concepts>

namespace lockstep {

/// An option of avg_pool2d and avg_pool1d: the padding's zeros are left out of the averages, as with PyTorch's
/// count_include_pad=False.
struct exclude_padding {};

/// The average over windows: [channels, height, width] -> [channels, out height, out width], as PyTorch's
/// AvgPool2d: the stride is the window's size unless stride<S> says otherwise; padding<P>, exclude_padding,
/// window_width<W>.
template <int Kernel, class... Options>
struct avg_pool2d {
    using window = window_from<Kernel, Kernel, Options...>;
    static_assert(2 * window::padding_height <= window::kernel_height &&
                      2 * window::padding_width <= window::kernel_width,
                  "padding is at most half the window, so that every window holds a pixel");
    static_assert(window::dilation_height == 1 && window::dilation_width == 1, "an average takes a whole window");
    using average = moving_average<window, !(std::same_as<Options, exclude_padding> || ...)>;

    template <class In>
    using broken_rule = decltype(detail::broken_window_rule<2, In, window>());

    constexpr auto operator()(auto x) const { return avg_pool<average>(x); }
};

} // namespace lockstep
