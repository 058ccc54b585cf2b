// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/backend.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/plan/bucket_policy.hpp>

#include <array>
#include <type_traits>

namespace lockstep::grid {

inline constexpr int most_replicas = 64;

} // namespace lockstep::grid

namespace lockstep {

namespace detail {

template <class First, class...>
struct first_of {
    using type = First;
};

} // namespace detail

/// One replica on each of these devices, such as cuda<0>. A device may be there more than once: devices<cuda<0>, cuda<0>>
/// has two replicas, which do all that replicas on two devices do.
template <class... Device>
struct devices {
    static_assert(sizeof...(Device) >= 1 && sizeof...(Device) <= grid::most_replicas, "devices has 1 to 64 replicas");
    using platform = typename detail::first_of<Device...>::type::platform;
    static_assert((std::is_same_v<typename Device::platform, platform> && ...), "devices are of one kind");

    static constexpr int replicas = sizeof...(Device);
    /// Of each replica.
    static constexpr std::array<int, sizeof...(Device)> numbers{Device::number...};
    /// What the cost model chooses for devices of this kind and the gradients of a ResNet-50.
    static constexpr bucket_bounds buckets = choose_buckets(platform::machine, replicas, 100 << 20, 2e4);
    template <class T>
    using backend = grid::backend<T, platform>;
    template <class T, class Storage>
    using rounding_backend = grid::backend<T, platform, Storage>;
};

/// Lists of devices that compute by themselves.
template <class D>
concept grid_devices = requires { typename D::platform; } && grid::platform<typename D::platform>;

} // namespace lockstep
