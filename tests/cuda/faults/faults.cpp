// SPDX-License-Identifier: MIT
#include <lockstep/device/cuda/copy.hpp>
#include <lockstep/device/cuda/graph.hpp>
#include <lockstep/parallel/cuda_available.hpp>

#include "runtime.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace gpu = lockstep::gpu;

namespace {

/// Everything that there is to make and to do, once.
void use_everything() {
    std::array<std::byte, 8> host{};
    {
        gpu::stream const first(0), second(1);
        gpu::event const done(0);
        gpu::timed_event const begin(1), end(1);
        first.record(done);
        second.wait(done);
        static_cast<void>(done.happened());
        done.synchronize();
        static_cast<void>(gpu::elapsed_seconds(begin, end));

        gpu::memory_pool const pool(0), other_pool(1);
        pool.open_to(1);
        gpu::arena const memory(pool, first, 8), other(other_pool, second, 8);
        gpu::pinned_memory const pinned(8);
        gpu::clear(first, memory.view());
        gpu::copy(first, memory.view(), pinned.as<std::byte>());
        gpu::copy(first, other.view(), memory.view());
        gpu::copy(first, std::span(host), memory.view());

        gpu::graph step(first, [&] { gpu::clear(first, memory.view()); });
        step.update(first, [&] { gpu::clear(first, memory.view()); });
        step.launch(first);
        static_cast<void>(first.is_done());
        first.synchronize();
    }
    gpu::enable_access(0, 1);
    gpu::disable_access(0, 1);
}

/// The text of what is thrown.
template <class Error = lockstep::error>
std::string error_of(std::function<void()> const& work) {
    try {
        work();
    } catch (Error const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

struct fresh_runtime {
    fresh_runtime() {
        runtime = {};
        unsetenv("CUDA_VISIBLE_DEVICES");
    }
};

} // namespace

TEST_CASE_FIXTURE(fresh_runtime, "what is made is destroyed, once") {
    use_everything();
    for (auto const& [kind, number] : runtime.alive) CHECK_MESSAGE(number == 0, kind);
    CHECK(runtime.alive.size() == 7);
    CHECK(runtime.capturing.empty());
    CHECK(runtime.enabled_peers.empty());
    CHECK(runtime.current == 0);
    CHECK(runtime.last == cudaSuccess);
}

TEST_CASE_FIXTURE(fresh_runtime, "every call may fail, each time, and leaves nothing behind") {
    use_everything();
    auto const calls = runtime.calls;
    // Destructors have nobody to tell.
    std::set<std::string> const silent{"cudaStreamDestroy", "cudaEventDestroy", "cudaMemPoolDestroy",  "cudaFreeAsync",
                                       "cudaFreeHost",      "cudaGraphDestroy", "cudaGraphExecDestroy"};
    int failures = 0;
    for_each_call(calls, [&](std::string const& call, int after, int) {
        runtime = {};
        runtime.failing = call;
        runtime.after = after;
        std::string const text = error_of<lockstep::cuda_error>(use_everything);
        if (silent.contains(call)) {
            CHECK(text == "nothing was thrown");
        } else {
            CHECK(text.starts_with("cuda"));
            CHECK(text.find(": " + call + ": expected cudaSuccess, found cudaErrorUnknown (unknown error)") !=
                  std::string::npos);
            ++failures;
        }
        CHECK(runtime.all_alive() == 0);
        CHECK(runtime.capturing.empty());
        CHECK(runtime.last == cudaSuccess);
    });
    CHECK(failures > 40);
}

TEST_CASE_FIXTURE(fresh_runtime, "errors name the device, the operation and the call") {
    runtime.failing = "cudaStreamSynchronize";
    gpu::stream const s(1);
    try {
        s.synchronize();
        FAIL("expected a cuda_error");
    } catch (lockstep::cuda_error const& e) {
        CHECK(e.status() == cudaErrorUnknown);
        CHECK(e.device() == 1);
        CHECK(std::string(e.what()) == "cuda device 1: stream: cudaStreamSynchronize: expected cudaSuccess, found "
                                       "cudaErrorUnknown (unknown error)");
    }
    runtime.last = cudaErrorInvalidValue;
    CHECK_THROWS_AS(gpu::check_launch(0, "add"), lockstep::cuda_error);
    CHECK_NOTHROW(gpu::check_launch(0, "add"));
}

TEST_CASE_FIXTURE(fresh_runtime, "a device that is not there") {
    CHECK(error_of([] { gpu::stream const s(2); }) ==
          "cuda device 2: stream: cudaSetDevice: expected cudaSuccess, found cudaErrorInvalidDevice (invalid device "
          "ordinal); expected device 0 to 1");
    runtime.failing = "cudaGetDevice";
    runtime.devices = 0;
    CHECK(error_of([] { gpu::event const e(0); }) ==
          "cuda device 0: event: cudaGetDevice: expected cudaSuccess, found cudaErrorUnknown (unknown error); expected "
          "a CUDA device, found none");
}

TEST_CASE_FIXTURE(fresh_runtime, "a guard returns to the device before it, and makes no call where it is the same") {
    {
        gpu::device_guard const guard(1);
        CHECK(runtime.current == 1);
        {
            gpu::device_guard const same(1);
        }
        CHECK(runtime.current == 1);
    }
    CHECK(runtime.current == 0);
    CHECK(runtime.count("cudaSetDevice") == 2);
    CHECK_THROWS_AS(([] {
                        gpu::device_guard const guard(1);
                        throw std::runtime_error("out of paper");
                    }()),
                    std::runtime_error);
    CHECK(runtime.current == 0);
}

TEST_CASE_FIXTURE(fresh_runtime, "streams, events and memory move") {
    gpu::stream first(0), second(1);
    second = std::move(first);
    CHECK(runtime.alive["stream"] == 1);
    CHECK(second.device() == 0);
    gpu::memory_pool const pool(0);
    gpu::arena a(pool, second, 8), b(pool, second, 16);
    b = std::move(a);
    CHECK(runtime.alive["arena"] == 1);
    CHECK(b.bytes() == 8);
    gpu::pinned_memory p(8);
    gpu::pinned_memory const q = std::move(p);
    CHECK(runtime.alive["pinned"] == 1);
    gpu::event e(0);
    e = gpu::event(1);
    CHECK(e.device() == 1);
    CHECK(runtime.alive["event"] == 1);
}

TEST_CASE_FIXTURE(fresh_runtime, "events") {
    gpu::stream const s(0);
    gpu::event const e(0), of_other_device(1);
    CHECK(e.happened());
    runtime.failing = "cudaEventQuery";
    runtime.status = cudaErrorNotReady;
    CHECK_FALSE(e.happened());
    CHECK(runtime.last == cudaSuccess);
    runtime.failing = "cudaStreamQuery";
    CHECK_FALSE(s.is_done());
    CHECK(runtime.last == cudaSuccess);
    CHECK(error_of<lockstep::usage_error>([&] { s.record(of_other_device); }) ==
          "cuda device 0: record: expected an event of this device, found one of device 1");
    CHECK_NOTHROW(s.wait(of_other_device));
    gpu::timed_event const begin(0), end(0), of_other(1);
    CHECK(gpu::elapsed_seconds(begin, end) == 1.5);
    CHECK(error_of<lockstep::usage_error>([&] { static_cast<void>(gpu::elapsed_seconds(begin, of_other)); }) ==
          "cuda device 0: elapsed_seconds: expected two events of this device, found one of device 1");
}

TEST_CASE_FIXTURE(fresh_runtime, "an arena says what it needs") {
    gpu::stream const s(0);
    gpu::memory_pool const pool(0), other(1);
    CHECK(gpu::arena(pool, s, 0).data() == nullptr);
    CHECK(runtime.count("cudaMallocFromPoolAsync") == 0);
    runtime.failing = "cudaMallocFromPoolAsync";
    runtime.status = cudaErrorMemoryAllocation;
    CHECK(error_of<lockstep::cuda_error>([&] { gpu::arena(pool, s, 4096); }) ==
          "cuda device 0: arena of 4096 bytes: cudaMallocFromPoolAsync: expected cudaSuccess, found "
          "cudaErrorMemoryAllocation (out of memory); 100 of 1000 bytes are free");
    CHECK(error_of<lockstep::usage_error>([&] { gpu::arena(other, s, 8); }) ==
          "cuda device 0: arena of 8 bytes: expected a pool of the stream's device, found one of device 1");
    std::string text;
    gpu::graph const step(s, [&] { text = error_of<lockstep::usage_error>([&] { gpu::arena(pool, s, 8); }); });
    CHECK(text == "cuda device 0: arena of 8 bytes: expected a stream that is not captured, found one that is");
    runtime.pools = false;
    CHECK(error_of<lockstep::data_error>([] { gpu::memory_pool const p(1); }) ==
          "cuda device 1: memory_pool: expected a device with memory pools, found one without");
}

TEST_CASE_FIXTURE(fresh_runtime, "copies check sizes and devices before they begin") {
    gpu::stream const s(0), other_stream(1);
    gpu::memory_pool const pool(0), other_pool(1);
    gpu::arena const memory(pool, s, 8), other(other_pool, other_stream, 8);
    std::array<std::byte, 8> host{std::byte{1}, std::byte{2}};
    std::array<std::byte, 8> back{};
    auto const view = memory.view();

    gpu::copy(s, view, host);
    gpu::copy(s, other.view(), view);
    gpu::clear(s, view.part(0, 1));
    gpu::copy(s, back, view);
    CHECK(back[0] == std::byte{0});
    CHECK(back[1] == std::byte{2});
    gpu::copy(other_stream, back, other.view());
    CHECK(back == host);
    CHECK(runtime.count("cudaMemcpyPeerAsync") == 1);
    CHECK(runtime.count("cudaMemcpyAsync") == 3);

    CHECK(error_of<lockstep::usage_error>([&] { gpu::copy(s, view.part(4, 4), host); }) ==
          "cuda device 0: copy to the device: expected as many bytes as there is place for, 4, found 8");
    CHECK(error_of<lockstep::usage_error>([&] { gpu::copy(s, back, view.part(1, 2)); }) ==
          "cuda device 0: copy to the host: expected as many bytes as there is place for, 8, found 2");
    CHECK(error_of<lockstep::usage_error>([&] { gpu::copy(other_stream, view, host); }) ==
          "cuda device 1: copy to the device: expected a stream of device 0, found one of device 1");
    CHECK(error_of<lockstep::usage_error>([&] { gpu::clear(other_stream, view); }) ==
          "cuda device 1: clear: expected a stream of device 0, found one of device 1");
    runtime.devices = 3;
    gpu::stream const third(2);
    CHECK(error_of<lockstep::usage_error>([&] { gpu::copy(third, other.view(), view); }) ==
          "cuda device 2: copy between places of devices: expected a stream of device 1 or 0, found one of device 2");
    CHECK(error_of<lockstep::usage_error>([&] { static_cast<void>(view.part(7, 2)); }) ==
          "cuda device 0: part of 8 bytes: expected to lie inside, found 2 bytes from byte 7");
    // No sum that wraps around.
    CHECK_THROWS_AS(static_cast<void>(view.part(1, ~std::size_t{0})), lockstep::usage_error);
    CHECK(view.part(8, 0).bytes == 0);
}

TEST_CASE_FIXTURE(fresh_runtime, "peers") {
    CHECK(gpu::can_access(1, 1));
    CHECK(gpu::can_access(0, 1));
    CHECK_THROWS_AS(static_cast<void>(gpu::can_access(0, 2)), lockstep::cuda_error);
    gpu::enable_access(0, 0);
    CHECK(runtime.count("cudaDeviceEnablePeerAccess") == 0);
    gpu::enable_access(0, 1);
    gpu::enable_access(0, 1);
    gpu::disable_access(0, 1);
    gpu::disable_access(0, 1);
    CHECK(runtime.last == cudaSuccess);
    gpu::memory_pool const pool(0);
    pool.open_to(0);
    CHECK(runtime.count("cudaMemPoolSetAccess") == 0);
    pool.open_to(1);
    CHECK(runtime.count("cudaMemPoolSetAccess") == 1);
    runtime.peers = false;
    CHECK(error_of<lockstep::data_error>([] { gpu::enable_access(0, 1); }) ==
          "cuda device 0: access to device 1: expected devices that reach each other's memory, found two that cannot");
    CHECK(error_of<lockstep::data_error>([&] { pool.open_to(1); }) ==
          "cuda device 1: access to device 0: expected devices that reach each other's memory, found two that cannot");
}

TEST_CASE_FIXTURE(fresh_runtime, "a capture ends, whatever happens in it") {
    gpu::stream const s(0), other(1);
    CHECK_THROWS_WITH(gpu::graph(s, [] { throw std::runtime_error("out of paper"); }), "out of paper");
    CHECK_FALSE(s.is_capturing());
    CHECK(runtime.alive["graph"] == 0);

    std::string text;
    gpu::graph step(s, [&] {
        text = error_of<lockstep::usage_error>([&] { gpu::graph const inner(s, [] {}); });
        CHECK(s.is_capturing());
    });
    CHECK(text == "cuda device 0: capture: expected a stream that is not captured, found one that is");
    CHECK_FALSE(s.is_capturing());
    CHECK(step.operations() == 3);
    CHECK(runtime.alive["graph"] == 0);
    CHECK_THROWS_AS(step.launch(other), lockstep::usage_error);
    CHECK_THROWS_AS(step.update(other, [] {}), lockstep::usage_error);

    CHECK_THROWS_WITH(step.update(s, [] { throw std::runtime_error("out of paper"); }), "out of paper");
    CHECK_FALSE(s.is_capturing());
    runtime.update = cudaGraphExecUpdateErrorTopologyChanged;
    CHECK(error_of<lockstep::usage_error>([&] { step.update(s, [] {}); }) ==
          "cuda device 0: update of a graph of 3 operations: expected the same operations, found another order of "
          "operations");
    CHECK(runtime.last == cudaSuccess);
    CHECK(runtime.alive["executable"] == 1);
    step.launch(s);
    gpu::graph const moved = std::move(step);
    CHECK(runtime.alive["executable"] == 1);
}

TEST_CASE_FIXTURE(fresh_runtime, "how many devices there are") {
    CHECK(gpu::find_devices().count == 2);
    CHECK(gpu::find_devices().reason.empty());
    runtime.failing = "cudaGetDeviceCount";
    runtime.status = cudaErrorInsufficientDriver;
    runtime.driver_version = 12040;
    CHECK(gpu::find_devices().count == 0);
    CHECK(gpu::find_devices().reason.ends_with(", found one for CUDA 12.4"));
    CHECK(runtime.last == cudaSuccess);
    runtime.driver_version = 0;
    CHECK(gpu::find_devices().reason.ends_with(", found none"));
}
