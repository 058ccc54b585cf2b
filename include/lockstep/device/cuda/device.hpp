// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/check.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

namespace lockstep::gpu {

/// The CUDA devices of this machine that this process may use; where there are none, `reason` says why.
struct devices_found {
    int count = 0;
    std::string reason;
};

namespace detail {

/// CUDA's number of a version, 13020, as "13.2".
inline std::string version_text(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// What cudaGetDeviceCount's status means, with the versions that the driver supports (0: there is none) and that the
/// runtime is of. `visible` is the environment's CUDA_VISIBLE_DEVICES, if there is one.
inline std::string why_no_devices(cudaError_t status, int driver, int runtime, char const* visible) {
    std::string const expected = "expected a driver for CUDA " + version_text(runtime) + ", found ";
    if (status == cudaErrorInsufficientDriver && driver == 0) return expected + "none";
    if (status == cudaErrorInsufficientDriver) return expected + "one for CUDA " + version_text(driver);
    if (status == cudaErrorStubLibrary) return expected + "the stub that programs are linked with";
    if (status == cudaErrorNoDevice || status == cudaSuccess)
        return "expected a CUDA device, found none" +
               (visible ? " (CUDA_VISIBLE_DEVICES is '" + std::string(visible) + "')" : std::string());
    return std::string("cudaGetDeviceCount: expected cudaSuccess, found ") + cudaGetErrorName(status) + " (" +
           cudaGetErrorString(status) + ")";
}

} // namespace detail

/// Never throws: a machine without a driver has no devices.
inline devices_found find_devices() {
    devices_found found;
    cudaError_t const status = cudaGetDeviceCount(&found.count);
    if (status == cudaSuccess && found.count > 0) return found;
    cudaGetLastError();
    int driver = 0, runtime = CUDART_VERSION;
    detail::discard(cudaDriverGetVersion(&driver));
    detail::discard(cudaRuntimeGetVersion(&runtime));
    return {0, detail::why_no_devices(status, driver, runtime, std::getenv("CUDA_VISIBLE_DEVICES"))};
}

/// Makes a device the current one of this thread, and the one before it again at the end of the scope. Since CUDA 12
/// a device that becomes current is initialized, which takes some of its memory, also the one that is returned to.
class device_guard {
public:
    /// `operation` is what errors name. Throws cuda_error where there is no such device; the text says how many
    /// there are.
    explicit device_guard(int device, std::string_view operation = "device_guard") {
        if (cudaError_t const status = cudaGetDevice(&previous_); status != cudaSuccess)
            fail(status, "cudaGetDevice", device, operation);
        if (device == previous_) return;
        if (cudaError_t const status = cudaSetDevice(device); status != cudaSuccess)
            fail(status, "cudaSetDevice", device, operation);
        changed_ = true;
    }
    device_guard(device_guard const&) = delete;
    device_guard& operator=(device_guard const&) = delete;
    ~device_guard() {
        if (changed_) detail::discard(cudaSetDevice(previous_));
    }

private:
    [[noreturn]] static void fail(cudaError_t status, std::string_view call, int device, std::string_view operation) {
        devices_found const found = find_devices();
        detail::fail(status, call, device, operation,
                     found.count == 0 ? "; " + found.reason
                                      : "; expected device 0 to " + std::to_string(found.count - 1));
    }

    int previous_ = 0;
    bool changed_ = false;
};

/// Whether kernels and copies of a device may reach a peer's memory. A device reaches its own. Throws cuda_error where
/// there is no such device.
inline bool can_access(int device, int peer) {
    if (device == peer) return true;
    int can = 0;
    check(cudaDeviceCanAccessPeer(&can, device, peer), "cudaDeviceCanAccessPeer", device,
          "access to device " + std::to_string(peer));
    return can != 0;
}

namespace detail {
inline void expect_access(int device, int peer) {
    if (!can_access(device, peer))
        throw data_error(name_of(device, "access to device " + std::to_string(peer)) +
                         ": expected devices that reach each other's memory, found two that cannot");
}
} // namespace detail

/// Lets a device reach the memory of a peer's that cudaMalloc gives; that of a pool is opened by memory_pool::open_to.
/// It may have been enabled before. Throws data_error where the machine's devices don't reach each other.
inline void enable_access(int device, int peer) {
    detail::expect_access(device, peer);
    if (device == peer) return;
    std::string const operation = "access to device " + std::to_string(peer);
    device_guard const guard(device, operation);
    cudaError_t const status = cudaDeviceEnablePeerAccess(peer, 0);
    if (status == cudaErrorPeerAccessAlreadyEnabled) detail::discard(status);
    else check(status, "cudaDeviceEnablePeerAccess", device, operation);
}

/// The opposite; it need not have been enabled. What still uses the peer's memory must have ended.
inline void disable_access(int device, int peer) {
    if (device == peer) return;
    std::string const operation = "access to device " + std::to_string(peer);
    device_guard const guard(device, operation);
    cudaError_t const status = cudaDeviceDisablePeerAccess(peer);
    if (status == cudaErrorPeerAccessNotEnabled) detail::discard(status);
    else check(status, "cudaDeviceDisablePeerAccess", device, operation);
}

} // namespace lockstep::gpu
