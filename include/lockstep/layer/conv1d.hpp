// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/window_options.hpp>

namespace lockstep {

/// A 1-d convolution with bias: [channels, length] -> [OutChannels, out length], as PyTorch's Conv1d:
/// conv1d<32, 5, padding<2>, stride<2>, dilation<2>, groups<4>>, no_bias. Parameters: weight [OutChannels,
/// channels / groups, window], bias [OutChannels]; in memory the weight lies as [window, channels / groups,
/// OutChannels]. It is the convolution of an image of one row, and changes the order in memory before and behind.
/// initialized<weight, ...> and initialized<bias, ...> give other first values than PyTorch's.
template <int OutChannels, int Kernel, class... Options>
struct conv1d {
    static_assert(OutChannels > 0, "a convolution has at least one output channel");
    using window = length_window_from<Kernel, 1, Options...>;
    static constexpr int group_count = groups_from<Options...>;
    static_assert(group_count > 0, "a convolution has at least one group");
    static constexpr bool has_bias = !(std::same_as<Options, no_bias> || ...);

    template <class In>
    using broken_rule = decltype(detail::broken_convolution_rule<1, In, window, group_count, OutChannels>());

    template <class In, int GroupIn = In::extents[0] / group_count,
              class Default = initializer::fan_in_uniform<GroupIn * Kernel>,
              class Weight = parameter<weight, shape<OutChannels, Kernel, GroupIn>,
                                       initializer_from<weight, Default, Options...>, saved_axes<0, 2, 1>>,
              class Bias = parameter<bias, shape<OutChannels>, initializer_from<bias, Default, Options...>>>
    using parameters_for =
        std::conditional_t<has_bias, lockstep::parameters<Weight, Bias>, lockstep::parameters<Weight>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        using in = typename decltype(x)::result_shape;
        using out = shape<OutChannels, window::out_width(in::extents[1])>;
        auto const image = lockstep::reshape<shape<in::extents[0], 1, in::extents[1]>>(x);
        auto const w = view_as<shape<1, Kernel, in::extents[0] / group_count, OutChannels>>(context[weight{}]);
        auto const y = convolve<window, group_count>(image, w);
        if constexpr (has_bias)
            return lockstep::reshape<out>(y + view_as<shape<OutChannels, 1, 1>>(context[bias{}]));
        else return lockstep::reshape<out>(y);
    }
};

} // namespace lockstep
