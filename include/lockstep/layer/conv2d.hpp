// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/window_options.hpp>

namespace lockstep {

namespace detail {

/// The rule that an image of shape In breaks for a window that moves over it.
template <class In, class Window>
constexpr auto broken_window_rule() {
    if constexpr (In::rank != 3) return rule::takes_channels_height_width{};
    else if constexpr (Window::out_height(In::extents[1]) < 1 || Window::out_width(In::extents[2]) < 1)
        return rule::window_fits_into_padded_image{};
    else return rule::none{};
}

} // namespace detail

/// A 2-d convolution with bias: [channels, height, width] -> [OutChannels, out height, out width], as PyTorch's
/// Conv2d: conv2d<32, 5, padding<2>, stride<2>>, window_width<W> for windows that are not square, no_bias.
/// Parameters: weight [OutChannels, channels, window height, window width], bias [OutChannels]; in memory the
/// weight lies as [window height, window width, channels, OutChannels].
template <int OutChannels, int Kernel, class... Options>
struct conv2d {
    static_assert(OutChannels > 0, "a convolution has at least one output channel");
    using window = window_from<Kernel, 1, Options...>;
    static constexpr bool has_bias = !(std::same_as<Options, no_bias> || ...);

    template <class In>
    using broken_rule = decltype(detail::broken_window_rule<In, window>());

    template <class In,
              class Initializer =
                  initializer::fan_in_uniform<In::extents[0] * window::kernel_height * window::kernel_width>,
              class Weight = parameter<weight, shape<window::kernel_height, window::kernel_width, In::extents[0], OutChannels>,
                                       Initializer, saved_axes<3, 2, 0, 1>>,
              class Bias = parameter<bias, shape<OutChannels>, Initializer>>
    using parameters_for =
        std::conditional_t<has_bias, lockstep::parameters<Weight, Bias>, lockstep::parameters<Weight>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        auto const y = convolve<window>(x, context[weight{}]);
        if constexpr (has_bias) return y + view_as<shape<OutChannels, 1, 1>>(context[bias{}]);
        else return y;
    }
};

} // namespace lockstep
