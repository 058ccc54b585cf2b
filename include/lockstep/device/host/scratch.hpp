// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Elements that a kernel needs for itself: allocated and set to zero at the first use, then kept until more are
/// asked for.
template <class T>
class scratch {
public:
    T* get(std::int64_t size) {
        if (memory_.bytes() < static_cast<std::size_t>(size) * sizeof(T)) {
            memory_ = host_memory(static_cast<std::size_t>(size) * sizeof(T));
            std::fill_n(memory_.as<T>().data(), size, T{});
        }
        return memory_.as<T>().data();
    }

private:
    host_memory memory_;
};

} // namespace lockstep::host
