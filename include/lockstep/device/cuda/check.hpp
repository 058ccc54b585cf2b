// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cuda_runtime_api.h>

#include <string>
#include <string_view>

namespace lockstep {

/// A call to CUDA did not succeed. The text names the device, the operation, the call, and the status that was found.
class cuda_error : public error {
public:
    cuda_error(cudaError_t status, int device, std::string const& text)
        : error(text), status_(status), device_(device) {}

    cudaError_t status() const { return status_; }
    /// gpu::no_device where the call belongs to none.
    int device() const { return device_; }

private:
    cudaError_t status_;
    int device_;
};

namespace gpu {

/// In errors: what failed belongs to no device.
inline constexpr int no_device = -1;

namespace detail {

/// "cuda device 0: arena of 64 bytes", as all errors of this folder begin.
inline std::string name_of(int device, std::string_view operation) {
    return (device == no_device ? "cuda: " : "cuda device " + std::to_string(device) + ": ") + std::string(operation);
}

/// `more` is what else is known, as "; found 1 device".
[[noreturn]] inline void fail(cudaError_t status, std::string_view call, int device, std::string_view operation,
                              std::string_view more = {}) {
    // The runtime keeps the last error of a thread: whoever asks for that of a kernel's launch must not find this one.
    cudaGetLastError();
    throw cuda_error(status, device,
                     name_of(device, operation) + ": " + std::string(call) + ": expected cudaSuccess, found " +
                         cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")" + std::string(more));
}

/// For destructors, which have nobody to tell: an error of the device itself comes again with the next call.
inline void discard(cudaError_t status) noexcept {
    if (status != cudaSuccess) cudaGetLastError();
}

} // namespace detail

/// Throws cuda_error where a call did not succeed: "cuda device 0: copy to the device: cudaMemcpyAsync: expected
/// cudaSuccess, found cudaErrorInvalidValue (invalid argument)". CUDA may also report here what earlier work on the
/// device, a kernel for one, has met since.
inline void check(cudaError_t status, std::string_view call, int device, std::string_view operation) {
    if (status != cudaSuccess) [[unlikely]] detail::fail(status, call, device, operation);
}

/// Right behind a kernel's launch, which returns no status: throws cuda_error where it could not be launched.
inline void check_launch(int device, std::string_view kernel) {
    check(cudaGetLastError(), "launch", device, kernel);
}

} // namespace gpu
} // namespace lockstep
