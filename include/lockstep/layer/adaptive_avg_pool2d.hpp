// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/pooling.hpp>
#include <lockstep/layer/rule.hpp>

#include <type_traits>

namespace lockstep {

/// The averages over Height x Width nearly equal parts of an image: [channels, height, width] -> [channels, Height,
/// Width], as PyTorch's AdaptiveAvgPool2d. adaptive_avg_pool2d<1> is the average over the whole image.
template <int Height, int Width = Height>
struct adaptive_avg_pool2d {
    template <class In>
    using broken_rule = std::conditional_t<In::rank == 3, rule::none, rule::takes_channels_height_width>;

    constexpr auto operator()(auto x) const { return avg_pool<adaptive_average<Height, Width>>(x); }
};

} // namespace lockstep
