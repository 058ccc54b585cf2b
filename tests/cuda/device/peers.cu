// SPDX-License-Identifier: MIT
#include "kernel.cuh"

#include <doctest/doctest.h>

#include <array>
#include <span>

namespace cuda = lockstep::cuda;

TEST_CASE("a device reaches its own memory") {
    CHECK(cuda::can_access(0, 0));
    CHECK_NOTHROW(cuda::enable_access(0, 0));
    CHECK_NOTHROW(cuda::disable_access(0, 0));
    cuda::memory_pool const pool(0);
    CHECK_NOTHROW(pool.open_to(0));
}

TEST_CASE("two devices") {
    if (cuda::find_devices().count < 2) {
        MESSAGE("skipped: expected 2 devices, found 1");
        return;
    }
    cuda::stream const first(0), second(1);
    cuda::memory_pool const pool(0), other_pool(1);
    cuda::arena const memory(pool, first, 64), other(other_pool, second, 64);
    cuda::event const sent(0), ready(1);
    std::array<int, 16> host{};
    second.record(ready);
    first.wait(ready);
    cuda::clear(first, memory.view());
    launch_add(first, memory.view(), 3);
    cuda::copy(first, other.view(), memory.view());
    first.record(sent);
    second.wait(sent);
    launch_add(second, other.view(), 4);
    cuda::copy(second, std::as_writable_bytes(std::span(host)), other.view());
    second.synchronize();
    for (int const each : host) CHECK(each == 7);

    if (!cuda::can_access(1, 0)) {
        MESSAGE("the two don't reach each other's memory");
        CHECK_THROWS_AS(pool.open_to(1), lockstep::data_error);
        CHECK_THROWS_AS(cuda::enable_access(1, 0), lockstep::data_error);
        return;
    }
    cuda::enable_access(1, 0);
    CHECK_NOTHROW(cuda::enable_access(1, 0));
    pool.open_to(1);
    // A kernel of device 1 on memory of device 0.
    launch_add(second, {1, memory.data(), memory.bytes()}, 10);
    second.synchronize();
    cuda::copy(first, std::as_writable_bytes(std::span(host)), memory.view());
    first.synchronize();
    for (int const each : host) CHECK(each == 13);
    cuda::disable_access(1, 0);
    CHECK_NOTHROW(cuda::disable_access(1, 0));
}
