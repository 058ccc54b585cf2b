// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/backend.hpp>

namespace lockstep {

/// N replicas on threads of this machine's processor, one thread each. Library chooses who computes matrix
/// products and convolutions: host::onednn where it was found, or host::portable.
template <int Replicas, class Library = host::default_library>
struct cpu_devices {
    static_assert(Replicas >= 1 && Replicas <= 256, "cpu_devices has 1 to 256 replicas");
    static constexpr int replicas = Replicas;
    template <class T>
    using backend = host::backend<T, Library>;
};

} // namespace lockstep
