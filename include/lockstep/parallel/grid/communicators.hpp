// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/platform.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

namespace lockstep::grid {

/// In the place of a platform's communicators where replicas add their gradients in the order of the plan.
struct no_communicators {
    explicit constexpr no_communicators(std::span<int const>) {}

    template <class Waited>
    static void synchronize(Waited const& stream_or_event) {
        stream_or_event.synchronize();
    }
    static constexpr bool can_be_captured(int) { return true; }
};

template <class P, bool Needed>
struct communicators_of {
    using type = no_communicators;
};
template <reducing_platform P>
struct communicators_of<P, true> {
    using type = typename P::communicators;
};

/// Those of a process' devices, which compute with all others of a group of processes.
template <class Communicators, class Group>
Communicators make_communicators(std::span<int const> devices, Group& group) {
    if constexpr (std::is_same_v<Communicators, no_communicators>) return Communicators(devices);
    else {
        // Only the first process' counts, but an id is cheap.
        auto id = Communicators::make_id();
        group.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0);
        int const here = static_cast<int>(devices.size());
        return Communicators(devices, id, group.rank() * here, group.size() * here);
    }
}

/// Whether no device is there twice.
template <std::size_t Count>
constexpr bool are_distinct(std::array<int, Count> const& devices) {
    for (std::size_t i = 0; i < Count; ++i)
        for (std::size_t k = 0; k < i; ++k)
            if (devices[i] == devices[k]) return false;
    return true;
}

} // namespace lockstep::grid
