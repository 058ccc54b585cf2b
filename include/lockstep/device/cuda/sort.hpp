// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/relaxed_capture.hpp>
#include <lockstep/device/cuda/stream.hpp>
#include <lockstep/device/grid/platform.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace lockstep::gpu {

/// A stable sort of pairs by Library::SortPairs, which is CUB's, cub::DeviceRadixSort, where nvcc compiles. Errors are
/// cuda_error: "cuda device 0: sort of 8192 pairs: cub::DeviceRadixSort::SortPairs: expected cudaSuccess, found
/// cudaErrorInvalidValue (invalid argument)".
template <class Library>
class radix_sort {
public:
    /// Of the memory that a sort of up to so many pairs needs on a device.
    static std::int64_t bytes(int device, std::int64_t count, int bits) {
        std::string const name = name_of(count);
        device_guard const guard(device, name);
        grid::pair_sort what;
        what.count = count;
        what.bits = bits;
        // Where there is no memory, it says how much it would take.
        std::size_t needed = 0;
        check(sort(what, needed, nullptr), call, device, name);
        return static_cast<std::int64_t>(needed);
    }

    /// In the order of a stream of the device, which may be captured. No memory of the device is allocated.
    static void run(stream const& s, grid::pair_sort const& what) {
        std::string const name = name_of(what.count);
        device_guard const guard(s.device(), name);
        relaxed_capture const relaxed(s.device(), name);
        auto given = static_cast<std::size_t>(what.memory_bytes);
        check(sort(what, given, s.handle()), call, s.device(), name);
    }

private:
    static constexpr char const* call = "cub::DeviceRadixSort::SortPairs";

    static std::string name_of(std::int64_t count) { return "sort of " + std::to_string(count) + " pairs"; }

    static cudaError_t sort(grid::pair_sort const& what, std::size_t& memory_bytes, cudaStream_t order) {
        return Library::SortPairs(what.memory, memory_bytes, what.keys, what.sorted_keys, what.numbers,
                                  what.sorted_numbers, static_cast<int>(what.count), 0, what.bits, order);
    }
};

} // namespace lockstep::gpu
