// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/layer_norm.hpp>

namespace lockstep {

/// Each of Groups equal groups of a sample's channels with mean 0 and variance 1 over all of their positions, then
/// scaled and shifted channel by channel, as PyTorch's GroupNorm (Wu and He 2018): [channels], [channels, length] or
/// [channels, height, width], unchanged in shape. One group is layer normalization, as many as channels instance
/// normalization. Parameters: scale ("weight") and bias [channels]. Options: epsilon<1e-5>, no_affine.
template <int Groups, class... Options>
struct group_norm {
    static_assert(Groups >= 1, "group_norm has at least one group");
    static constexpr auto settings = detail::normalization_settings_of<Options...>;

    template <class In>
    static constexpr auto rule_for() {
        if constexpr (In::rank < 1 || In::rank > 3) return rule::takes_channels_and_positions{};
        else if constexpr (In::extents[0] % Groups != 0) return rule::groups_divide_channels{};
        else return rule::none{};
    }
    template <class In>
    using broken_rule = decltype(rule_for<In>());

    template <class In, class Channels = shape<In::extents[0]>, class Scale = parameter<scale, Channels, initializer::ones>,
              class Bias = parameter<bias, Channels, initializer::zeros>>
    using parameters_for = std::conditional_t<settings.affine, lockstep::parameters<Scale, Bias>, lockstep::parameters<>>;
    template <class In>
    using parameters = parameters_for<In>;

    template <expression X>
    constexpr auto operator()(X x, auto context) const {
        using channels = detail::channels_of<typename X::result_shape>;
        auto const y = normalize_groups<Groups, settings.epsilon>(x);
        if constexpr (settings.affine) return y * view_as<channels>(context[scale{}]) + view_as<channels>(context[bias{}]);
        else return y;
    }
};

} // namespace lockstep
