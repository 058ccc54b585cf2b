// SPDX-License-Identifier: MIT
// Where reference cases and gradients are computed: on a host; on a GPU where nvcc compiles them; and with
// LOCKSTEP_TESTS_ON_QUEUES on a device that is threads (tests/grid/queues.hpp).
#pragma once

#if defined(__CUDACC__)
#include <lockstep/parallel/cuda_devices.cuh>
#elif defined(LOCKSTEP_TESTS_ON_QUEUES)
#include "../grid/queues.hpp"
#endif

#if defined(__CUDACC__) || defined(LOCKSTEP_TESTS_ON_QUEUES)

#include "grid_passes.hpp"

#include <lockstep/parallel/grid/devices.hpp>

#include <cstddef>
#include <utility>

namespace tests {

#if defined(__CUDACC__)
using device = lockstep::cuda<0>;
/// nvcc takes long, and the formulas are the same.
inline constexpr bool in_double = false;
#else
using device = queues::queue<0>;
inline constexpr bool in_double = true;
#endif

template <std::size_t>
struct replica {
    using on = device;
};
template <std::size_t... Replica>
lockstep::devices<typename replica<Replica>::on...> one_device_for(std::index_sequence<Replica...>);

/// So many replicas, all on one device, which computes with kernels of its own instead of a library.
template <int Replicas, class Library>
using devices = decltype(one_device_for(std::make_index_sequence<Replicas>{}));
using passes = grid_passes<device::platform>;

} // namespace tests

#else

#include "host_passes.hpp"

#include <lockstep/parallel/devices.hpp>

namespace tests {

template <int Replicas, class Library>
using devices = lockstep::cpu_devices<Replicas, Library>;
using passes = host_passes;
inline constexpr bool in_double = true;

} // namespace tests

#endif
