// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>

namespace lockstep::gpu {

/// A library's object on a device, Library(device): the one of all who use it there at the same time, for to make it takes
/// time and memory.
template <class Library>
std::shared_ptr<Library const> shared(int device) {
    static std::mutex mutex;
    static std::map<int, std::weak_ptr<Library const>> all;
    std::lock_guard const lock(mutex);
    auto made = all[device].lock();
    if (made == nullptr) all[device] = made = std::make_shared<Library const>(device);
    return made;
}

} // namespace lockstep::gpu
