// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace lockstep::detail {

/// What a ring delivers at a stretch: an epoch, from one of its samples on.
struct epoch_run {
    std::uint64_t epoch = 0;
    std::int64_t first_sample = 0;
};

/// A ring of slots that worker threads fill ahead of one consumer. It knows numbers only: batch k of a run
/// goes to slot k % slots, is claimed in order, and is filled by
///     fill(run, batch, slot, abandoned)
/// which may return early once `abandoned` is true. With no workers, the consumer fills each batch when it
/// asks for it. What fill throws reaches the consumer when that batch's turn has come.
///
/// At most `slots` batches exist at a time: a slow consumer stops the workers, and a slow worker holds up the
/// consumer at its own batch only.
template <class Fill>
class worker_ring {
public:
    worker_ring(int slots, int workers, Fill fill)
        : fill_(std::move(fill)), slots_(static_cast<std::size_t>(slots)) {
        try {
            threads_.reserve(static_cast<std::size_t>(workers));
            for (int worker = 0; worker < workers; ++worker) threads_.emplace_back([this] { work(); });
        } catch (std::system_error const& error) {
            auto const started = threads_.size();
            stop();
            throw data_error{"workers(" + std::to_string(workers) +
                             "): expected as many threads, the system starts " + std::to_string(started) +
                             " (" + error.what() + ")"};
        }
    }

    ~worker_ring() { stop(); }
    worker_ring(worker_ring const&) = delete;
    worker_ring& operator=(worker_ring const&) = delete;

    /// Begins a run, in the middle of another one too: waits for the workers to let go of its batches.
    void start(epoch_run run, std::int64_t batches) {
        {
            std::unique_lock lock{mutex_};
            abandon();
            progress_.wait(lock, [this] { return busy_ == 0; });
            abandoned_ = false;
            for (auto& slot : slots_) slot = {};
            run_ = run;
            batches_ = batches;
            claimed_ = taken_ = 0;
        }
        work_.notify_all();
    }

    /// Number of the batch that the consumer is at; batches() at the end.
    std::int64_t position() const { return taken_; }
    std::int64_t batches() const { return batches_; }
    epoch_run const& run() const { return run_; }

    /// Waits for the batch at position(), and returns its slot, which stays as it is until release(). What
    /// made the batch fail is thrown, and the run is over.
    int take() {
        auto const slot = static_cast<std::size_t>(taken_) % slots_.size();
        try {
            if (threads_.empty()) {
                fill_(run_, taken_, static_cast<int>(slot), abandoned_);
            } else {
                std::unique_lock lock{mutex_};
                progress_.wait(lock, [&] { return slots_[slot].filled_with == taken_; });
                if (slots_[slot].failure) std::rethrow_exception(std::exchange(slots_[slot].failure, nullptr));
            }
        } catch (...) {
            std::lock_guard const lock{mutex_};
            abandon();
            taken_ = batches_;
            throw;
        }
        return static_cast<int>(slot);
    }

    /// Gives the slot of the batch at position() back, and goes on to the next.
    void release() {
        {
            std::lock_guard const lock{mutex_};
            ++taken_;
        }
        work_.notify_one();
    }

private:
    struct slot_state {
        std::int64_t filled_with = -1;
        std::exception_ptr failure;
    };

    void work() {
        std::unique_lock lock{mutex_};
        while (true) {
            auto const slots = static_cast<std::int64_t>(slots_.size());
            work_.wait(lock, [&] { return stopped_ || (claimed_ < batches_ && claimed_ < taken_ + slots); });
            if (stopped_) return;
            auto const run = run_;
            auto const batch = claimed_++;
            auto const slot = batch % slots;
            ++busy_;
            lock.unlock();
            std::exception_ptr failure;
            try {
                fill_(run, batch, static_cast<int>(slot), abandoned_);
            } catch (...) {
                failure = std::current_exception();
            }
            lock.lock();
            --busy_;
            slots_[static_cast<std::size_t>(slot)] = {batch, std::move(failure)};
            progress_.notify_one();
        }
    }

    /// No batch of this run is claimed from now on. Needs the lock.
    void abandon() {
        claimed_ = batches_;
        abandoned_ = true;
    }

    void stop() {
        {
            std::lock_guard const lock{mutex_};
            abandon();
            stopped_ = true;
        }
        work_.notify_all();
        threads_.clear(); // joins
    }

    Fill fill_;
    std::mutex mutex_;
    std::condition_variable work_;     // there may be a batch to claim, or the end has come
    std::condition_variable progress_; // a worker has finished a batch; only the consumer waits for it
    std::vector<slot_state> slots_;
    epoch_run run_;
    std::int64_t batches_ = 0;
    std::int64_t claimed_ = 0; // batches that workers have begun
    std::int64_t taken_ = 0;   // batches that the consumer is done with; written by the consumer only
    int busy_ = 0;             // workers that are filling a slot
    bool stopped_ = false;
    std::atomic<bool> abandoned_ = false;
    std::vector<std::jthread> threads_;
};

} // namespace lockstep::detail
