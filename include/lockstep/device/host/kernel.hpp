// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/row_tail.hpp>
#include <lockstep/expression/philox.hpp>
#include <lockstep/program/kernel_facts.hpp>

#include <array>
#include <cstdint>

namespace lockstep::host {

/// What random numbers are counted by, apart from the element.
struct randomness {
    philox_key key;
    std::uint32_t step = 0;
    /// The place in the whole batch of a call's first sample.
    std::int64_t first_sample = 0;
};

/// One call of a kernel: addresses, and the number of samples that a shard has.
struct kernel_call {
    void* result = nullptr;
    std::array<void const*, max_operands> operands{};
    std::int64_t samples = 0;
    row_tail tail;
    /// What the kernel made for itself, see kernel::make_state.
    void* state = nullptr;
    randomness random;
    int group = 0;

    template <class T>
    T const* operand(int index) const {
        return static_cast<T const*>(operands[index]);
    }
};

/// What a program's operation calls on a host.
struct kernel {
    void (*run)(kernel_call const&) = nullptr;
    /// Elementwise kernels: some rows of the result, for use as a tail.
    void (*run_rows)(kernel_call const&, std::int64_t first_row, std::int64_t rows) = nullptr;
    /// Whether `run` calls its tail row by row; else it is called after it.
    bool takes_tail = false;
    /// What a kernel keeps between calls, one for each operation and replica: a library's primitives.
    void* (*make_state)() = nullptr;
    void (*free_state)(void*) = nullptr;
};

} // namespace lockstep::host
