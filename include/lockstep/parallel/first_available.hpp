// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/devices.hpp>

#include <string>
#include <thread>

namespace lockstep {

/// Whether this machine has the devices; where not, `reason` says what was expected and what was found.
template <int Replicas, class Library>
bool is_available(cpu_devices<Replicas, Library>, std::string& reason) {
    // 0: the system doesn't say.
    unsigned const cores = std::thread::hardware_concurrency();
    if (cores == 0 || cores >= static_cast<unsigned>(Replicas)) return true;
    reason += "cpu_devices<" + std::to_string(Replicas) + ">: expected " + std::to_string(Replicas) +
              " cores, found " + std::to_string(cores) + "; ";
    return false;
}

/// Calls run(devices) with the first list of devices that this machine has: first_available<cpu_devices<4>,
/// cpu_devices<2>, cpu_devices<1>>(run). All are compiled. Throws usage_error with the reason for each where it
/// has none of them.
template <class... Devices, class Run>
void first_available(Run&& run) {
    std::string reasons;
    bool const found = ((is_available(Devices{}, reasons) && (run(Devices{}), true)) || ...);
    if (!found) throw usage_error("first_available: " + reasons);
}

} // namespace lockstep
