// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/device.hpp>

#include <string>
#include <string_view>

namespace lockstep::gpu {

/// Whether devices 0 to expected - 1 are among those that find_devices() has found. Where not, adds to `reason` what a
/// list of devices expected and what there is: "cuda_devices<4>: expected 4 CUDA devices, found 1; ".
inline bool are_available(devices_found const& found, int expected, std::string_view list, std::string& reason) {
    if (found.count >= expected) return true;
    reason += std::string(list) + ": expected " + std::to_string(expected) + " CUDA device" +
              (expected == 1 ? "" : "s") + ", found " +
              (found.count == 0 ? "none: " + found.reason : std::to_string(found.count)) + "; ";
    return false;
}

} // namespace lockstep::gpu
