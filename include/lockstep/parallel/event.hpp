// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/spin.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::detail {

/// The events of a schedule, counters that are never reset: in round n an event has happened when there have been
/// n times its arrivals. Each lies on a cache line of its own.
template <std::size_t Count>
class event_counters {
public:
    /// `arrivals`: of each event in a round.
    explicit event_counters(std::span<int const> arrivals) : arrivals_(arrivals) {}

    /// Before all threads start on the next round.
    void begin_round() { ++round_; }

    void arrive(int event) {
        std::uint32_t const count = counters_[event].count.fetch_add(1, std::memory_order_acq_rel) + 1;
        if (count == expected(event)) counters_[event].count.notify_all();
    }
    bool has_happened(int event) const {
        return static_cast<std::int32_t>(counters_[event].count.load(std::memory_order_acquire) - expected(event)) >= 0;
    }

    /// Waits, a short while by looking, because replicas finish within microseconds of each other, then asleep. Returns
    /// the nanoseconds that it took.
    std::int64_t wait(int event) const {
        if (has_happened(event)) return 0;
        auto const start = std::chrono::steady_clock::now();
        for (int look = 0; look < 4096; ++look) {
            if (has_happened(event)) return since(start);
            pause();
        }
        std::atomic<std::uint32_t> const& count = counters_[event].count;
        while (!has_happened(event)) {
            std::uint32_t const old = count.load(std::memory_order_acquire);
            if (static_cast<std::int32_t>(old - expected(event)) < 0) count.wait(old, std::memory_order_acquire);
        }
        return since(start);
    }

private:
    static std::int64_t since(std::chrono::steady_clock::time_point start) {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - start).count();
    }
    std::uint32_t expected(int event) const { return round_ * static_cast<std::uint32_t>(arrivals_[event]); }

    struct alignas(64) counter {
        std::atomic<std::uint32_t> count{0};
    };
    std::span<int const> arrivals_;
    std::uint32_t round_ = 0;
    std::array<counter, Count> counters_;
};

} // namespace lockstep::detail
