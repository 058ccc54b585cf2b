// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/device.hpp>

#include <cublasLt.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace lockstep {

/// A call to cuBLASLt did not succeed. The text names the device, the operation, the call, and the status that was
/// found.
class cublas_error : public error {
public:
    cublas_error(cublasStatus_t status, int device, std::string const& text)
        : error(text), status_(status), device_(device) {}

    cublasStatus_t status() const { return status_; }
    int device() const { return device_; }

private:
    cublasStatus_t status_;
    int device_;
};

namespace gpu {

/// Throws cublas_error where a call did not succeed: "cuda device 0: product of float [64, 512] and [512, 512]:
/// cublasLtMatmul: expected CUBLAS_STATUS_SUCCESS, found CUBLAS_STATUS_INVALID_VALUE".
inline void check(cublasStatus_t status, std::string_view call, int device, std::string_view operation) {
    if (status == CUBLAS_STATUS_SUCCESS) [[likely]] return;
    throw cublas_error(status, device,
                       detail::name_of(device, operation) + ": " + std::string(call) +
                           ": expected CUBLAS_STATUS_SUCCESS, found " + cublasLtGetStatusName(status));
}

namespace detail {
inline std::atomic<bool>& tf32_switch() {
    static std::atomic<bool> allowed = false;
    return allowed;
}
struct destroy_blas {
    void operator()(cublasLtHandle_t handle) const { static_cast<void>(cublasLtDestroy(handle)); }
};
} // namespace detail

/// Whether cuBLASLt and cuDNN may round the factors of large products and convolutions of float to TF32, which has 10 bits
/// behind the point instead of 23, and so multiply them several times as fast. Off at first. It counts for replicas that
/// are made from then on: a trainer's with the trainer, those of parallel's operator() at its first call.
inline void allow_tf32(bool allowed) { detail::tf32_switch() = allowed; }
inline bool is_tf32_allowed() { return detail::tf32_switch(); }

/// cuBLASLt on a device. Any number of threads may use it at the same time.
class blas {
public:
    /// Throws cuda_error where there is no such device, cublas_error where cuBLASLt does not work there.
    explicit blas(int device) : device_(device) {
        device_guard const guard(device, "cuBLASLt");
        cublasLtHandle_t handle = nullptr;
        check(cublasLtCreate(&handle), "cublasLtCreate", device, "cuBLASLt");
        handle_.reset(handle);
    }

    int device() const { return device_; }
    cublasLtHandle_t handle() const { return handle_.get(); }

private:
    int device_;
    std::unique_ptr<std::remove_pointer_t<cublasLtHandle_t>, detail::destroy_blas> handle_;
};

} // namespace gpu
} // namespace lockstep
