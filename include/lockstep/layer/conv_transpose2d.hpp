// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/window_options.hpp>

namespace lockstep {

/// A transposed 2-d convolution with bias: [channels, height, width] -> [OutChannels, out height, out width] with
/// out = (in - 1) stride - 2 padding + dilation (window - 1) + 1 + output_padding, as PyTorch's ConvTranspose2d:
/// conv_transpose2d<16, 4, stride<2>, padding<1>>, output_padding<P>, dilation<D>, groups<G>, window_width<W>,
/// no_bias. Parameters: weight [channels, OutChannels / groups, window height, window width], bias [OutChannels];
/// in memory the weight lies as [window height, window width, OutChannels / groups, channels].
/// initialized<weight, ...> and initialized<bias, ...> give other first values than PyTorch's.
/// PyTorch also takes an output padding between stride and dilation; this layer wants it less than the stride.
template <int OutChannels, int Kernel, class... Options>
struct conv_transpose2d {
    static_assert(OutChannels > 0, "a convolution has at least one output channel");
    using window = window_from<Kernel, 1, Options...>;
    static constexpr auto settings = detail::window_settings_of<Kernel, 1, Options...>();
    static constexpr int group_count = settings.groups;
    static constexpr int extra_height = settings.output_padding_height, extra_width = settings.output_padding_width;
    static_assert(group_count > 0, "a convolution has at least one group");
    static_assert(extra_height >= 0 && extra_height < window::stride_height && extra_width >= 0 &&
                      extra_width < window::stride_width,
                  "an output padding is less than the stride");
    static constexpr bool has_bias = !(std::same_as<Options, no_bias> || ...);

    template <class In>
    static constexpr auto check() {
        if constexpr (In::rank != 3) return rule::takes_channels_height_width{};
        else if constexpr (In::extents[0] % group_count != 0 || OutChannels % group_count != 0)
            return rule::groups_divide_channels{};
        else if constexpr (window::transposed_height(In::extents[1]) + extra_height < 1 ||
                           window::transposed_width(In::extents[2]) + extra_width < 1)
            return rule::padding_leaves_a_pixel{};
        else return rule::none{};
    }
    template <class In>
    using broken_rule = decltype(check<In>());

    // PyTorch takes the weight's second axis for its fan-in here, too.
    template <class In, int GroupOut = OutChannels / group_count,
              class Default = initializer::fan_in_uniform<GroupOut * window::kernel_height * window::kernel_width>,
              class Weight =
                  parameter<weight, shape<window::kernel_height, window::kernel_width, GroupOut, In::extents[0]>,
                            initializer_from<weight, Default, Options...>, saved_axes<3, 2, 0, 1>>,
              class Bias = parameter<bias, shape<OutChannels>, initializer_from<bias, Default, Options...>>>
    using parameters_for =
        std::conditional_t<has_bias, lockstep::parameters<Weight, Bias>, lockstep::parameters<Weight>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        auto const y = convolve_transposed<window, group_count, extra_height, extra_width>(x, context[weight{}]);
        if constexpr (has_bias) return y + view_as<shape<OutChannels, 1, 1>>(context[bias{}]);
        else return y;
    }
};

} // namespace lockstep
