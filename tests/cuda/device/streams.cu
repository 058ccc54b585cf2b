// SPDX-License-Identifier: MIT
#include "kernel.cuh"

#include <doctest/doctest.h>

#include <array>
#include <span>

namespace gpu = lockstep::gpu;

namespace {

constexpr int size = 1 << 16;
// Some milliseconds on any device; what comes behind it is late.
constexpr long long long_enough = 50'000'000;

/// Keeps a stream busy for so many clock ticks of the device.
__global__ void spin(long long ticks) {
    long long const start = clock64();
    while (clock64() - start < ticks) {}
}

void launch_spin(lockstep::gpu::stream const& s, long long ticks) {
    lockstep::gpu::device_guard const guard(s.device());
    spin<<<1, 1, 0, s.handle()>>>(ticks);
    lockstep::gpu::check_launch(s.device(), "spin");
}

} // namespace

TEST_CASE("a copy comes back as it was") {
    gpu::stream const s(0);
    gpu::memory_pool const pool(0);
    gpu::arena const memory(pool, s, size * sizeof(int));
    gpu::pinned_memory const there(memory.bytes()), back(memory.bytes());
    for (int i = 0; i < size; ++i) there.as<int>()[i] = i * 7;
    gpu::copy(s, memory.view(), there.as<std::byte>());
    launch_add(s, memory.view(), 1);
    gpu::copy(s, back.as<std::byte>(), memory.view());
    s.synchronize();
    int wrong = 0;
    for (int i = 0; i < size; ++i) wrong += back.as<int>()[i] != i * 7 + 1;
    CHECK(wrong == 0);
}

TEST_CASE("a part of an arena is cleared, and no more") {
    gpu::stream const s(0);
    gpu::memory_pool const pool(0);
    gpu::arena const memory(pool, s, 16);
    std::array<std::byte, 16> host;
    host.fill(std::byte{9});
    gpu::copy(s, memory.view(), host);
    gpu::clear(s, memory.view().part(4, 8));
    gpu::copy(s, std::span(host), memory.view());
    s.synchronize();
    for (int i = 0; i < 16; ++i) CHECK(host[i] == (i >= 4 && i < 12 ? std::byte{0} : std::byte{9}));
}

TEST_CASE("a stream waits for another one's event") {
    gpu::stream const first(0), second(0);
    gpu::event const written(0);
    CHECK(written.happened());
    gpu::memory_pool const pool(0);
    gpu::arena const memory(pool, first, size * sizeof(int));
    gpu::pinned_memory const back(memory.bytes());
    gpu::clear(first, memory.view());
    // A kernel's first launch loads it, which may wait for what the device does.
    launch_spin(first, 1);
    launch_add(first, memory.view(), 2);
    launch_spin(first, long_enough);
    launch_add(first, memory.view(), 3);
    first.record(written);
    CHECK_FALSE(written.happened());
    second.wait(written);
    gpu::copy(second, back.as<std::byte>(), memory.view());
    second.synchronize();
    CHECK(written.happened());
    int wrong = 0;
    for (int const each : back.as<int>()) wrong += each != 5;
    CHECK(wrong == 0);
}

TEST_CASE("timed events measure what lies between them") {
    gpu::stream const s(0);
    gpu::timed_event const begin(0), end(0);
    s.record(begin);
    launch_spin(s, long_enough);
    s.record(end);
    CHECK_THROWS_AS(static_cast<void>(gpu::elapsed_seconds(begin, end)), lockstep::cuda_error);
    end.synchronize();
    double const seconds = gpu::elapsed_seconds(begin, end);
    CHECK(seconds > 1e-3);
    CHECK(seconds < 10);
}

TEST_CASE("an arena that does not fit is an error, and the device goes on") {
    gpu::stream const s(0);
    gpu::memory_pool const pool(0);
    CHECK_THROWS_WITH_AS(gpu::arena(pool, s, std::size_t{1} << 50), doctest::Contains("bytes are free"),
                         lockstep::cuda_error);
    gpu::arena const small(pool, s, 8);
    gpu::clear(s, small.view());
    CHECK_NOTHROW(s.synchronize());
}

TEST_CASE("an arena may be freed while its stream still works, and after its pool") {
    gpu::stream const s(0);
    {
        gpu::pinned_memory const back(size * sizeof(int));
        {
            auto memory = [&] {
                gpu::memory_pool const pool(0);
                return gpu::arena(pool, s, back.bytes());
            }();
            gpu::clear(s, memory.view());
            launch_spin(s, long_enough);
            launch_add(s, memory.view(), 3);
            gpu::copy(s, back.as<std::byte>(), memory.view());
        }
        s.synchronize();
        CHECK(back.as<int>()[size - 1] == 3);
    }
}

TEST_CASE("a launch that the device cannot make is an error with the kernel's name") {
    gpu::stream const s(0);
    add_to_all<int><<<1, 4096, 0, s.handle()>>>(nullptr, 0, 1);
    CHECK_THROWS_WITH_AS(gpu::check_launch(0, "add_to_all"),
                         doctest::Contains("cuda device 0: add_to_all: launch: expected cudaSuccess, found "),
                         lockstep::cuda_error);
    CHECK_NOTHROW(gpu::check_launch(0, "add_to_all"));
}

TEST_CASE("a thread begins where it was") {
    int before = -1, after = -1;
    REQUIRE(cudaGetDevice(&before) == cudaSuccess);
    {
        gpu::stream const s(gpu::find_devices().count - 1);
    }
    REQUIRE(cudaGetDevice(&after) == cudaSuccess);
    CHECK(after == before);
}
