// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/copy.hpp>

#include <cstdint>

/// Adds an amount to every element, one thread each.
template <class T>
__global__ void add_to_all(T* elements, std::int64_t size, T amount) {
    std::int64_t const i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < size) elements[i] += amount;
}

inline void launch_add(lockstep::gpu::stream const& s, lockstep::gpu::device_view memory, int amount) {
    auto const size = static_cast<std::int64_t>(memory.bytes / sizeof(int));
    auto const blocks = static_cast<unsigned>((size + 255) / 256);
    lockstep::gpu::device_guard const guard(s.device());
    add_to_all<<<blocks, 256, 0, s.handle()>>>(reinterpret_cast<int*>(memory.data), size, amount);
    lockstep::gpu::check_launch(s.device(), "add_to_all");
}
