// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/tensor/memory.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

#if __has_include(<sys/mman.h>) && __has_include(<unistd.h>)
#include <sys/mman.h>
#include <unistd.h>
#define LOCKSTEP_HAS_MLOCK 1
#else
#define LOCKSTEP_HAS_MLOCK 0
#endif

namespace lockstep::detail {

/// The memory of a loader's slots. Its pages can be locked, so that they are never swapped out; where the
/// system allows less (ulimit -l), they stay as they are.
class slot_memory {
public:
    slot_memory() = default;

    slot_memory(std::size_t bytes, bool pin) {
        if (!pin || !LOCKSTEP_HAS_MLOCK) {
            memory_ = host_memory{bytes};
            data_ = memory_.data();
            return;
        }
#if LOCKSTEP_HAS_MLOCK
        // Pages of its own: locks don't count, and unlocking a shared page would undo a neighbour's.
        auto const page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        auto const whole_pages = (bytes + page - 1) / page * page;
        memory_ = host_memory{whole_pages + page};
        auto const address = reinterpret_cast<std::uintptr_t>(memory_.data());
        data_ = memory_.data() + (page - address % page) % page;
        if (mlock(data_, whole_pages) == 0) pinned_bytes_ = whole_pages;
#endif
    }

    slot_memory(slot_memory&& other) noexcept { swap(other); }
    slot_memory& operator=(slot_memory&& other) noexcept {
        slot_memory moved{std::move(other)};
        swap(moved);
        return *this;
    }

    ~slot_memory() {
#if LOCKSTEP_HAS_MLOCK
        if (pinned()) munlock(data_, pinned_bytes_);
#endif
    }

    std::byte* data() const { return data_; }
    bool pinned() const { return pinned_bytes_ > 0; }

private:
    void swap(slot_memory& other) noexcept {
        std::swap(memory_, other.memory_);
        std::swap(data_, other.data_);
        std::swap(pinned_bytes_, other.pinned_bytes_);
    }

    host_memory memory_;
    std::byte* data_ = nullptr;
    std::size_t pinned_bytes_ = 0;
};

} // namespace lockstep::detail
