// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <lockstep/device/cuda/copy.hpp>
#include <lockstep/device/cuda/graph.hpp>
#include <lockstep/device/cuda/range.hpp>
#include <lockstep/parallel/cuda_available.hpp>

#include <string>

namespace gpu = lockstep::gpu;

TEST_CASE("why there are no devices") {
    using gpu::detail::why_no_devices;
    CHECK(why_no_devices(cudaErrorInsufficientDriver, 0, 13000, nullptr) ==
          "expected a driver for CUDA 13.0, found none");
    CHECK(why_no_devices(cudaErrorInsufficientDriver, 12040, 13020, nullptr) ==
          "expected a driver for CUDA 13.2, found one for CUDA 12.4");
    CHECK(why_no_devices(cudaErrorStubLibrary, 0, 13000, nullptr) ==
          "expected a driver for CUDA 13.0, found the stub that programs are linked with");
    CHECK(why_no_devices(cudaErrorNoDevice, 13000, 13000, nullptr) == "expected a CUDA device, found none");
    CHECK(why_no_devices(cudaErrorNoDevice, 13000, 13000, "7") ==
          "expected a CUDA device, found none (CUDA_VISIBLE_DEVICES is '7')");
    CHECK(why_no_devices(cudaErrorInitializationError, 13000, 13000, nullptr) ==
          "cudaGetDeviceCount: expected cudaSuccess, found cudaErrorInitializationError (initialization error)");
}

TEST_CASE("a list of devices is available, or says why not") {
    std::string reason;
    CHECK(gpu::are_available({2, {}}, 2, "cuda_devices<2>", reason));
    CHECK(reason.empty());
    CHECK_FALSE(gpu::are_available({1, {}}, 4, "cuda_devices<4>", reason));
    CHECK(reason == "cuda_devices<4>: expected 4 CUDA devices, found 1; ");
    reason.clear();
    CHECK_FALSE(gpu::are_available({0, "expected a driver for CUDA 13.0, found none"}, 1, "cuda_devices<1>", reason));
    CHECK(reason ==
          "cuda_devices<1>: expected 1 CUDA device, found none: expected a driver for CUDA 13.0, found none; ");
}

TEST_CASE("this machine's devices, or the reason why there are none") {
    gpu::devices_found const found = gpu::find_devices();
    MESSAGE(found.count << " devices " << found.reason);
    CHECK((found.count > 0) == found.reason.empty());
    // Without a driver, the runtime has no other answer to anything.
    if (found.count > 0) CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("a device that is not there is an error that says what is") {
    gpu::devices_found const found = gpu::find_devices();
    std::string text;
    try {
        gpu::stream const s(found.count);
    } catch (lockstep::cuda_error const& e) {
        CHECK(e.device() == found.count);
        text = e.what();
    }
    CAPTURE(text);
    if (found.count == 0) {
        CHECK(text.starts_with("cuda device 0: stream: cudaGetDevice: expected cudaSuccess, found "));
        CHECK(text.ends_with("; " + found.reason));
        CHECK_THROWS_AS(gpu::event(0), lockstep::cuda_error);
        CHECK_THROWS_AS(gpu::memory_pool(0), lockstep::cuda_error);
        CHECK_THROWS_AS(gpu::pinned_memory(8), lockstep::cuda_error);
        CHECK_THROWS_AS(gpu::enable_access(0, 1), lockstep::cuda_error);
    } else {
        CHECK(text.find("cudaErrorInvalidDevice (invalid device ordinal); expected device 0 to ") != std::string::npos);
    }
    CHECK_THROWS_AS(gpu::device_guard(-1), lockstep::cuda_error);
}

TEST_CASE("ranges need no profiler") {
    gpu::range const outer{"step"};
    gpu::range const inner{std::string("forward")};
}
