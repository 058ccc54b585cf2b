// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/window_options.hpp>

namespace lockstep {

/// A 2-d convolution with bias: [channels, height, width] -> [OutChannels, out height, out width], as PyTorch's
/// Conv2d: conv2d<32, 5, padding<2>, stride<2>, dilation<2>, groups<4>>, window_width<W> for windows that are not
/// square, no_bias. Parameters: weight [OutChannels, channels / groups, window height, window width], bias
/// [OutChannels]; in memory the weight lies as [window height, window width, channels / groups, OutChannels].
/// initialized<weight, ...> and initialized<bias, ...> give other first values than PyTorch's.
template <int OutChannels, int Kernel, class... Options>
struct conv2d {
    static_assert(OutChannels > 0, "a convolution has at least one output channel");
    using window = window_from<Kernel, 1, Options...>;
    static constexpr int group_count = groups_from<Options...>;
    static_assert(group_count > 0, "a convolution has at least one group");
    static constexpr bool has_bias = !(std::same_as<Options, no_bias> || ...);

    template <class In>
    using broken_rule = decltype(detail::broken_convolution_rule<2, In, window, group_count, OutChannels>());

    template <class In, int GroupIn = In::extents[0] / group_count,
              class Default = initializer::fan_in_uniform<GroupIn * window::kernel_height * window::kernel_width>,
              class Weight = parameter<weight, shape<window::kernel_height, window::kernel_width, GroupIn, OutChannels>,
                                       initializer_from<weight, Default, Options...>, saved_axes<3, 2, 0, 1>>,
              class Bias = parameter<bias, shape<OutChannels>, initializer_from<bias, Default, Options...>>>
    using parameters_for =
        std::conditional_t<has_bias, lockstep::parameters<Weight, Bias>, lockstep::parameters<Weight>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        auto const y = convolve<window, group_count>(x, context[weight{}]);
        if constexpr (has_bias) return y + view_as<shape<OutChannels, 1, 1>>(context[bias{}]);
        else return y;
    }
};

} // namespace lockstep
