// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/event.hpp>

#include <memory>
#include <string>
#include <type_traits>

namespace lockstep::gpu {

namespace detail {
struct destroy_stream {
    void operator()(cudaStream_t handle) const { discard(cudaStreamDestroy(handle)); }
};
} // namespace detail

/// Work of a device, which is done in its order, and at the same time as that of other streams: it does not wait for
/// the legacy default stream, nor that for it. Its destructor leaves work that is under way to end by itself. What was
/// moved from can only be assigned to or destroyed.
class stream {
public:
    /// Throws cuda_error where there is no such device.
    explicit stream(int device) : device_(device) {
        device_guard const guard(device, "stream");
        cudaStream_t handle = nullptr;
        check(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "cudaStreamCreateWithFlags", device, "stream");
        handle_.reset(handle);
    }

    int device() const { return device_; }
    cudaStream_t handle() const { return handle_.get(); }

    /// The event has happened when all work that is in the stream now is done. Throws usage_error for an event of
    /// another device.
    void record(event const& e) const {
        if (e.device() != device_)
            throw usage_error(detail::name_of(device_, "record") +
                              ": expected an event of this device, found one of device " + std::to_string(e.device()));
        check(cudaEventRecord(e.handle(), handle()), "cudaEventRecord", device_, "record");
    }

    /// What comes into the stream from now on waits until the event has happened as it was last recorded, on any
    /// device; the caller does not wait.
    void wait(event const& e) const {
        check(cudaStreamWaitEvent(handle(), e.handle(), 0), "cudaStreamWaitEvent", device_, "wait");
    }

    /// The caller waits until all work is done. Throws cuda_error where some of it failed.
    void synchronize() const { check(cudaStreamSynchronize(handle()), "cudaStreamSynchronize", device_, "stream"); }

    /// Whether all work is done. Throws cuda_error where some of it failed.
    bool is_done() const {
        cudaError_t const status = cudaStreamQuery(handle());
        if (status == cudaErrorNotReady) {
            // An answer, but the runtime keeps it as an error.
            detail::discard(status);
            return false;
        }
        check(status, "cudaStreamQuery", device_, "stream");
        return true;
    }

    /// Whether its work is captured into a graph instead of being done; also where an error has spoilt the capture.
    bool is_capturing() const {
        cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
        check(cudaStreamIsCapturing(handle(), &status), "cudaStreamIsCapturing", device_, "stream");
        return status != cudaStreamCaptureStatusNone;
    }

private:
    int device_;
    std::unique_ptr<std::remove_pointer_t<cudaStream_t>, detail::destroy_stream> handle_;
};

} // namespace lockstep::gpu
