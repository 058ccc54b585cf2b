// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/movement.hpp>
#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/max_pool2d.hpp>

#include <type_traits>

namespace lockstep {

namespace detail {

/// What Pool, a function of images, does to a value [channels, length] taken as an image of one row.
template <class X, class Pool>
constexpr auto pool_length(X x, Pool pool) {
    using in = typename X::result_shape;
    auto const y = pool(lockstep::reshape<shape<in::extents[0], 1, in::extents[1]>>(x));
    using out = typename decltype(y)::result_shape;
    return lockstep::reshape<shape<out::extents[0], out::extents[2]>>(y);
}

} // namespace detail

/// Pooling of [channels, length], as PyTorch's MaxPool1d, AvgPool1d and AdaptiveAvgPool1d; options as of the
/// layers for images, each of one number.
template <int Kernel, class... Options>
struct max_pool1d {
    using window = length_window_from<Kernel, Kernel, Options...>;
    static_assert(2 * window::padding_width <= Kernel,
                  "padding is at most half the window, so that every window holds a pixel");

    template <class In>
    using broken_rule = decltype(detail::broken_window_rule<1, In, window>());

    constexpr auto operator()(auto x) const {
        return detail::pool_length(x, [](auto image) { return max_pool<window>(image); });
    }
};

template <int Kernel, class... Options>
struct avg_pool1d {
    using window = length_window_from<Kernel, Kernel, Options...>;
    static_assert(2 * window::padding_width <= Kernel,
                  "padding is at most half the window, so that every window holds a pixel");
    static_assert(window::dilation_width == 1, "an average takes a whole window");
    using average = moving_average<window, !(std::same_as<Options, exclude_padding> || ...)>;

    template <class In>
    using broken_rule = decltype(detail::broken_window_rule<1, In, window>());

    constexpr auto operator()(auto x) const {
        return detail::pool_length(x, [](auto image) { return avg_pool<average>(image); });
    }
};

template <int Length>
struct adaptive_avg_pool1d {
    template <class In>
    using broken_rule = std::conditional_t<In::rank == 2, rule::none, rule::takes_channels_length>;

    constexpr auto operator()(auto x) const {
        return detail::pool_length(x, [](auto image) { return avg_pool<adaptive_average<1, Length>>(image); });
    }
};

} // namespace lockstep
