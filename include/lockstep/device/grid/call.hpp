// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>
#include <lockstep/program/schedule.hpp>

#include <cstdint>

/// Kernels that are written once for a grid: many groups of threads, each of which computes one unit of the result, as
/// an element, a row or a tile. CUDA runs the groups at the same time on a device, a host one after the other.
namespace lockstep::grid {

/// One call of a kernel: addresses in the memory of whoever runs it, and the number of samples that a shard has. It is
/// handed over by value.
struct call {
    void* result = nullptr;
    void const* operands[max_operands] = {};
    std::int64_t samples = 0;
    /// As many bytes as the kernel asks for, whose content is what the last kernel left there.
    void* scratch = nullptr;
    /// What random numbers are counted by, apart from the element: the step stands in memory, because a recorded step
    /// is repeated as it is.
    philox_key key;
    std::uint32_t const* step = nullptr;
    std::int64_t first_sample = 0;
    int group = 0;

    template <class T>
    constexpr T const* operand(int index) const {
        return static_cast<T const*>(operands[index]);
    }
    template <class T>
    constexpr T* out() const {
        return static_cast<T*>(result);
    }
};

} // namespace lockstep::grid
