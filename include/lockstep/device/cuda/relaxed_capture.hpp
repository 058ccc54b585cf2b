// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/check.hpp>

#include <string_view>

namespace lockstep::gpu {

/// Lets a library, while this thread captures a stream, load its kernels when it first uses them: a capture allows such
/// calls only where they are said to have nothing to do with the captured work.
class relaxed_capture {
public:
    /// `operation` is what errors name.
    relaxed_capture(int device, std::string_view operation) {
        check(cudaThreadExchangeStreamCaptureMode(&mode_), "cudaThreadExchangeStreamCaptureMode", device, operation);
    }
    relaxed_capture(relaxed_capture const&) = delete;
    relaxed_capture& operator=(relaxed_capture const&) = delete;
    ~relaxed_capture() { detail::discard(cudaThreadExchangeStreamCaptureMode(&mode_)); }

private:
    /// What the thread's is to be; after the exchange, what it was.
    cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

} // namespace lockstep::gpu
