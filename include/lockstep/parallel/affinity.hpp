// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace lockstep::detail {

/// The cores that a process may use, as it was when this was made.
class allowed_cores {
public:
    allowed_cores() {
#if defined(__linux__)
        CPU_ZERO(&cores_);
        if (sched_getaffinity(0, sizeof cores_, &cores_) == 0) count_ = CPU_COUNT(&cores_);
#endif
    }
    /// 0 where the system doesn't say.
    int count() const { return count_; }

    /// Keeps the calling thread on one of them, counted from 0. It stays where it may go otherwise if the system refuses.
    void pin_this_thread([[maybe_unused]] int number) const {
#if defined(__linux__)
        for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
            if (!CPU_ISSET(core, &cores_) || number-- > 0) continue;
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(core, &one);
            pthread_setaffinity_np(pthread_self(), sizeof one, &one);
            return;
        }
#endif
    }

private:
    int count_ = 0;
#if defined(__linux__)
    cpu_set_t cores_;
#endif
};

} // namespace lockstep::detail
