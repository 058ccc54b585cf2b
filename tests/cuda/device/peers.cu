// SPDX-License-Identifier: MIT
#include "kernel.cuh"

#include <doctest/doctest.h>

#include <array>
#include <span>

namespace gpu = lockstep::gpu;

TEST_CASE("a device reaches its own memory") {
    CHECK(gpu::can_access(0, 0));
    CHECK_NOTHROW(gpu::enable_access(0, 0));
    CHECK_NOTHROW(gpu::disable_access(0, 0));
    gpu::memory_pool const pool(0);
    CHECK_NOTHROW(pool.open_to(0));
}

TEST_CASE("two devices") {
    if (gpu::find_devices().count < 2) {
        MESSAGE("skipped: expected 2 devices, found 1");
        return;
    }
    gpu::stream const first(0), second(1);
    gpu::memory_pool const pool(0), other_pool(1);
    gpu::arena const memory(pool, first, 64), other(other_pool, second, 64);
    gpu::event const sent(0), ready(1);
    std::array<int, 16> host{};
    second.record(ready);
    first.wait(ready);
    gpu::clear(first, memory.view());
    launch_add(first, memory.view(), 3);
    gpu::copy(first, other.view(), memory.view());
    first.record(sent);
    second.wait(sent);
    launch_add(second, other.view(), 4);
    gpu::copy(second, std::as_writable_bytes(std::span(host)), other.view());
    second.synchronize();
    for (int const each : host) CHECK(each == 7);

    if (!gpu::can_access(1, 0)) {
        MESSAGE("the two don't reach each other's memory");
        CHECK_THROWS_AS(pool.open_to(1), lockstep::data_error);
        CHECK_THROWS_AS(gpu::enable_access(1, 0), lockstep::data_error);
        return;
    }
    gpu::enable_access(1, 0);
    CHECK_NOTHROW(gpu::enable_access(1, 0));
    pool.open_to(1);
    // A kernel of device 1 on memory of device 0.
    launch_add(second, {1, memory.data(), memory.bytes()}, 10);
    second.synchronize();
    gpu::copy(first, std::as_writable_bytes(std::span(host)), memory.view());
    first.synchronize();
    for (int const each : host) CHECK(each == 13);
    gpu::disable_access(1, 0);
    CHECK_NOTHROW(gpu::disable_access(1, 0));
}
