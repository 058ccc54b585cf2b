// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace lockstep::detail {

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Waits until `word` is no longer `old`: a short while by looking, because replicas finish within microseconds
/// of each other, then asleep. Whoever changes the word calls notify_all.
inline void wait_while_equal(std::atomic<std::uint32_t> const& word, std::uint32_t old) {
    for (int look = 0; look < 4096; ++look) {
        if (word.load(std::memory_order_acquire) != old) return;
        pause();
    }
    while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

/// A point that all replicas reach before any goes on.
class barrier {
public:
    explicit barrier(int replicas) : replicas_(replicas) {}

    void arrive_and_wait() {
        std::uint32_t const phase = phase_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == replicas_) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            phase_.notify_all();
        } else {
            wait_while_equal(phase_, phase);
        }
    }

private:
    int replicas_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<std::uint32_t> phase_{0};
};

} // namespace lockstep::detail
