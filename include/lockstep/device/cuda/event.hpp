// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/device.hpp>

#include <memory>
#include <type_traits>

namespace lockstep::gpu {

namespace detail {
struct destroy_event {
    void operator()(cudaEvent_t handle) const { discard(cudaEventDestroy(handle)); }
};
} // namespace detail

/// A place in a stream's work, which stream::record marks. It takes no time, which makes it cheaper than a timed_event.
/// What was moved from can only be assigned to or destroyed.
class event {
public:
    /// Throws cuda_error where there is no such device.
    explicit event(int device) : event(device, cudaEventDisableTiming) {}

    int device() const { return device_; }
    cudaEvent_t handle() const { return handle_.get(); }

    /// Whether all work before the place is done; true of an event that was never recorded. Throws cuda_error where
    /// that work failed.
    bool happened() const {
        cudaError_t const status = cudaEventQuery(handle());
        if (status == cudaErrorNotReady) {
            // An answer, but the runtime keeps it as an error.
            detail::discard(status);
            return false;
        }
        check(status, "cudaEventQuery", device_, "event");
        return true;
    }

    /// Waits for it. Throws cuda_error where that work failed.
    void synchronize() const { check(cudaEventSynchronize(handle()), "cudaEventSynchronize", device_, "event"); }

protected:
    event(int device, unsigned flags) : device_(device) {
        device_guard const guard(device, "event");
        cudaEvent_t handle = nullptr;
        check(cudaEventCreateWithFlags(&handle, flags), "cudaEventCreateWithFlags", device, "event");
        handle_.reset(handle);
    }

private:
    int device_;
    std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, detail::destroy_event> handle_;
};

/// An event that keeps the time.
class timed_event : public event {
public:
    explicit timed_event(int device) : event(device, cudaEventDefault) {}
};

/// Seconds between two places, to about half a microsecond. Throws usage_error for events of two devices, cuda_error
/// where one was not recorded or has not happened yet.
inline double elapsed_seconds(timed_event const& begin, timed_event const& end) {
    if (begin.device() != end.device())
        throw usage_error(detail::name_of(begin.device(), "elapsed_seconds") +
                          ": expected two events of this device, found one of device " + std::to_string(end.device()));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin.handle(), end.handle()), "cudaEventElapsedTime", begin.device(),
          "elapsed_seconds");
    return static_cast<double>(milliseconds) / 1000;
}

} // namespace lockstep::gpu
