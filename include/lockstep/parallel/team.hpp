// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/denormals.hpp>
#include <lockstep/device/host/onednn.hpp>
#include <lockstep/parallel/affinity.hpp>
#include <lockstep/parallel/spin.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace lockstep {

/// The threads of N replicas. The caller's thread is replica 0; the others are started once and wait between
/// calls, spinning briefly and then asleep.
///
/// Where this process may use so many cores, these others stay on one each, so that their memory stays near: replica r on
/// number first_core + r of them. The caller's thread is left alone, as all threads that it starts later, a loader's for
/// example, would stay where it does; the system puts it where the others are not. A first_core below 0 pins nobody.
class team {
public:
    explicit team(int replicas, int first_core = 0)
        : replicas_(replicas), first_core_(first_core + replicas <= cores_.count() ? first_core : -1), barrier_(replicas),
          failures_(replicas) {
        threads_.reserve(replicas - 1);
        for (int r = 1; r < replicas; ++r) threads_.emplace_back([this, r] { serve(r); });
    }
    team(team const&) = delete;
    team& operator=(team const&) = delete;
    ~team() {
        stop_ = true;
        announce();
        for (std::thread& thread : threads_) thread.join();
    }

    int size() const { return replicas_; }

    /// Runs work(replica) on every replica, without denormal numbers, and waits for all. The first exception is
    /// rethrown here, after all have ended.
    template <class Work>
    void run(Work&& work) {
        context_ = &work;
        call_ = [](void* context, int replica) { (*static_cast<std::remove_reference_t<Work>*>(context))(replica); };
        announce();
        perform(0);
        for (std::exception_ptr& failure : failures_)
            if (failure) {
                std::exception_ptr const first = failure;
                for (std::exception_ptr& each : failures_) each = nullptr;
                std::rethrow_exception(first);
            }
    }

    /// Within run: waits for all replicas. A replica that fails before it must still come here.
    void synchronize() { barrier_.arrive_and_wait(); }

private:
    void announce() {
        round_.fetch_add(1, std::memory_order_release);
        round_.notify_all();
    }
    void serve(int replica) {
        if (first_core_ >= 0) cores_.pin_this_thread(first_core_ + replica);
        host::enter_thread();
        for (std::uint32_t seen = 0;;) {
            detail::wait_while_equal(round_, seen);
            ++seen;
            if (stop_) return;
            perform(replica);
        }
    }
    void perform(int replica) {
        host::without_denormals const fast;
        try {
            call_(context_, replica);
        } catch (...) {
            failures_[replica] = std::current_exception();
        }
        barrier_.arrive_and_wait();
    }

    int replicas_;
    detail::allowed_cores cores_;
    int first_core_;
    detail::barrier barrier_;
    std::vector<std::exception_ptr> failures_;
    std::vector<std::thread> threads_;
    void* context_ = nullptr;
    void (*call_)(void*, int) = nullptr;
    bool stop_ = false;
    alignas(64) std::atomic<std::uint32_t> round_{0};
};

} // namespace lockstep
