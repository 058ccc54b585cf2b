// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/backend.hpp>
#include <lockstep/plan/bucket_policy.hpp>

namespace lockstep {

/// N replicas on threads of this machine's processor, one thread each. Library chooses who computes matrix
/// products and convolutions: host::onednn where it was found, or host::portable.
template <int Replicas, class Library = host::default_library>
struct cpu_devices {
    static_assert(Replicas >= 1 && Replicas <= 256, "cpu_devices has 1 to 256 replicas");
    static constexpr int replicas = Replicas;
    /// What the cost model chooses on a host, where a bucket is reduced and updated from a core's cache, whatever the
    /// model and its passes.
    static constexpr bucket_bounds buckets = choose_buckets(cpu_host, Replicas, 8 << 20, 1e4);
    template <class T>
    using backend = host::backend<T, Library>;
};

} // namespace lockstep
