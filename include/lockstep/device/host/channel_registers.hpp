// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/vector.hpp>

namespace lockstep::host::detail {

/// Calls visit.operator()<Lanes>(first channel) for one register of channels after the other.
template <class T, int Channels, class Visit>
[[gnu::always_inline]] inline void for_each_register(Visit&& visit) {
    constexpr int lanes = vector_lanes<T>;
    int channel = 0;
    for (; channel + lanes <= Channels; channel += lanes) visit.template operator()<lanes>(channel);
    if constexpr (Channels % lanes != 0) visit.template operator()<Channels % lanes>(channel);
}

} // namespace lockstep::host::detail
