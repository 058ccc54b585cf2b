// SPDX-License-Identifier: MIT
// Sorts on a device, against a library of the tests' own in the place of CUB's.
#include "each_failure.hpp"
#include "runtime.hpp"

#include <lockstep/device/cuda/sort.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace gpu = lockstep::gpu;

namespace {

constexpr std::size_t bytes_a_pair = 24;

/// Called as cub::DeviceRadixSort is. It fails where `runtime` is told to, and sorts in host memory.
struct fake_library {
    static cudaError_t SortPairs(void* memory, std::size_t& memory_bytes, std::int32_t const* keys,
                                 std::int32_t* sorted_keys, std::int32_t const* numbers, std::int32_t* sorted_numbers,
                                 int count, int begin_bit, int end_bit, cudaStream_t s) {
        if (runtime.fails("cub::DeviceRadixSort::SortPairs")) return runtime.last = runtime.status;
        std::size_t const needed = bytes_a_pair * static_cast<std::size_t>(count);
        device = runtime.current;
        if (memory == nullptr) {
            memory_bytes = needed;
            return cudaSuccess;
        }
        // Its kernels are loaded when they are first used, also while a stream is captured.
        bool const sound = memory_bytes >= needed && s != nullptr && begin_bit == 0 &&
                           runtime.capture_mode == cudaStreamCaptureModeRelaxed;
        if (!sound) return runtime.last = cudaErrorInvalidValue;
        std::vector<int> order(static_cast<std::size_t>(count));
        std::iota(order.begin(), order.end(), 0);
        std::ranges::stable_sort(order, {}, [&](int i) { return keys[i] & ((1 << end_bit) - 1); });
        for (int i = 0; i < count; ++i) {
            sorted_keys[i] = keys[order[static_cast<std::size_t>(i)]];
            sorted_numbers[i] = numbers[order[static_cast<std::size_t>(i)]];
        }
        return cudaSuccess;
    }
    static inline int device = gpu::no_device;
};
using sorting = gpu::radix_sort<fake_library>;

struct fresh_runtime {
    fresh_runtime() { runtime = {}; }
};

/// Sorted on device 1, in memory of so many bytes less than it takes.
struct five_pairs {
    std::vector<std::int32_t> keys{3, 0, 3, 1, 0}, numbers{0, 1, 2, 3, 4}, sorted_keys, sorted_numbers;

    void sort(std::int64_t missing_bytes = 0) {
        sorted_keys.assign(5, -1);
        sorted_numbers.assign(5, -1);
        std::int64_t const bytes = sorting::bytes(1, 5, 2);
        std::vector<std::byte> memory(static_cast<std::size_t>(bytes));
        lockstep::grid::pair_sort what;
        what.keys = keys.data();
        what.numbers = numbers.data();
        what.sorted_keys = sorted_keys.data();
        what.sorted_numbers = sorted_numbers.data();
        what.count = 5;
        what.bits = 2;
        what.memory = memory.data();
        what.memory_bytes = bytes - missing_bytes;
        gpu::stream const s(1);
        sorting::run(s, what);
    }
};

} // namespace

TEST_CASE_FIXTURE(fresh_runtime, "pairs are sorted on the stream's device, in memory that the library asks for") {
    CHECK(sorting::bytes(1, 5, 2) == 5 * static_cast<std::int64_t>(bytes_a_pair));
    CHECK(fake_library::device == 1);
    five_pairs pairs;
    pairs.sort();
    CHECK(pairs.sorted_keys == std::vector<std::int32_t>{0, 0, 1, 3, 3});
    CHECK(pairs.sorted_numbers == std::vector<std::int32_t>{1, 4, 3, 0, 2});
    CHECK(fake_library::device == 1);
    CHECK(runtime.current == 0);
    CHECK(runtime.capture_mode == cudaStreamCaptureModeGlobal);
}

TEST_CASE_FIXTURE(fresh_runtime, "a sort that fails is one error with the device and what was sorted") {
    CHECK_THROWS_WITH_AS(five_pairs{}.sort(1),
                         "cuda device 1: sort of 5 pairs: cub::DeviceRadixSort::SortPairs: expected cudaSuccess, found "
                         "cudaErrorUnknown (unknown error)",
                         lockstep::cuda_error);
    CHECK(runtime.last == cudaSuccess);
    CHECK(runtime.current == 0);
}

TEST_CASE_FIXTURE(fresh_runtime, "every call for a sort may fail, each time, and leaves nothing behind") {
    CHECK(check_each_failure({"cudaStreamDestroy"}, [] { five_pairs{}.sort(); }) == 10);
}
