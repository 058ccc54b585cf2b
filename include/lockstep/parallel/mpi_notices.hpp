// SPDX-License-Identifier: MIT
#pragma once

// The C++ bindings that old headers bring along are not used, and need a library of their own.
#if !defined(OMPI_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#endif
#if !defined(MPICH_SKIP_MPICXX)
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <lockstep/error.hpp>
#include <lockstep/parallel/spin.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lockstep::detail {

/// Monotonic: whoever sets the time of day changes no time limit.
using mpi_clock = std::chrono::steady_clock;

/// What a process sent before it left may be on its way for so long.
inline constexpr std::chrono::seconds mpi_delay{1};

/// For so long a process that leaves or fails waits for the others to answer, and for its messages to come to an end.
inline constexpr std::chrono::seconds mpi_farewell{5};

/// What MPI says about a call that did not succeed.
inline std::string mpi_error_text(int code, std::string_view call, int rank) {
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
    return "rank " + std::to_string(rank) + ": " + std::string(call) + " failed: " +
           (length > 0 ? std::string(text, static_cast<std::size_t>(length)) : "code " + std::to_string(code));
}

inline void check_mpi(int code, std::string_view call, int rank) {
    if (code != MPI_SUCCESS) throw process_error(rank, mpi_error_text(code, call, rank));
}

/// Between two looks: at first at once, then others may have the core, then asleep.
class mpi_backoff {
public:
    void operator()() {
        ++looks_;
        if (looks_ < 256) pause();
        else if (looks_ < 4096) std::this_thread::yield();
        else std::this_thread::sleep_for(std::chrono::microseconds(50));
    }

private:
    int looks_ = 0;
};

/// Small enough for every MPI to send it without waiting for the receiver. `rank` is where a failure began.
struct mpi_notice {
    std::int32_t failed = 0;
    std::int32_t rank = 0;
    char text[1000] = {};
};

/// The last words of every process of a communicator, each sent once to all others: that it has left, or that it
/// failed and why. Who hears of a failure passes it on as it is, so that all name the process where it began.
class mpi_notices {
public:
    /// Messages with this tag are notices; all others belong to whoever uses the communicator beside them. As it is
    /// one communicator, what a process sent before its notice is matched before it.
    static constexpr int tag = 0;

    explicit mpi_notices(MPI_Comm comm) : comm_(comm) {
        check_mpi(MPI_Comm_rank(comm, &rank_), "MPI_Comm_rank", 0);
        check_mpi(MPI_Comm_size(comm, &size_), "MPI_Comm_size", rank_);
        left_at_.resize(static_cast<std::size_t>(size_));
        sends_.reserve(static_cast<std::size_t>(size_));
        living.push_back(this);
    }
    mpi_notices(mpi_notices const&) = delete;
    mpi_notices& operator=(mpi_notices const&) = delete;
    ~mpi_notices() { std::erase(living, this); }

    int rank() const { return rank_; }
    int size() const { return size_; }

    /// Takes the notices that have come.
    void listen() {
        while (size_ > 1) {
            int found = 0;
            MPI_Status status;
            check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, tag, comm_, &found, &status), "MPI_Iprobe", rank_);
            if (!found) return;
            mpi_notice heard;
            check_mpi(MPI_Recv(&heard, sizeof heard, MPI_BYTE, status.MPI_SOURCE, tag, comm_, MPI_STATUS_IGNORE),
                      "MPI_Recv", rank_);
            left_at_[static_cast<std::size_t>(status.MPI_SOURCE)] = mpi_clock::now();
            ++heard_;
            if (heard.failed && !failure_) failure_ = heard;
        }
    }

    /// The first failure that is known, of this process or another one.
    std::optional<mpi_notice> const& failure() const { return failure_; }
    /// When another process ended, as far as is known.
    std::optional<mpi_clock::time_point> left_at(int rank) const { return left_at_[static_cast<std::size_t>(rank)]; }
    bool anybody_left() const { return heard_ > 0; }
    bool all_left() const { return heard_ == size_ - 1; }

    /// What is told to all from now on, unless a failure is known already.
    void remember(int rank, std::string_view text) noexcept {
        if (failure_) return;
        failure_.emplace();
        failure_->failed = 1;
        failure_->rank = rank;
        text.copy(failure_->text, std::min(text.size(), sizeof failure_->text - 1));
    }

    /// The same for a failure of this process.
    void fail(std::string_view text) noexcept {
        if (failure_) return;
        char prefix[40];
        int const length = std::snprintf(prefix, sizeof prefix, "rank %d failed: ", rank_);
        auto const used = static_cast<std::size_t>(length);
        remember(rank_, {prefix, used});
        text.copy(failure_->text + used, std::min(text.size(), sizeof failure_->text - used - 1));
    }

    /// The only notice of this process: the failure that is known, or that it left.
    void tell() noexcept {
        if (told_) return;
        told_ = true;
        said_ = failure_.value_or(mpi_notice{0, rank_, {}});
        for (int peer = 0; peer < size_; ++peer) {
            if (peer == rank_) continue;
            MPI_Request request = MPI_REQUEST_NULL;
            // Whom it does not reach has no connection any more, and learns of it from MPI.
            if (MPI_Isend(&said_, sizeof said_, MPI_BYTE, peer, tag, comm_, &request) == MPI_SUCCESS)
                sends_.push_back(request);
        }
    }
    /// Whether the notice of this process is on its way to all.
    bool sent() noexcept {
        int done = 0;
        int const code = MPI_Testall(static_cast<int>(sends_.size()), sends_.data(), &done, MPI_STATUSES_IGNORE);
        return done || code != MPI_SUCCESS;
    }

    /// Those that exist in this process, for its exit in the midst of them.
    inline static std::vector<mpi_notices*> living;

private:
    MPI_Comm comm_;
    int rank_ = 0, size_ = 1;
    std::optional<mpi_notice> failure_;
    mpi_notice said_;
    bool told_ = false;
    int heard_ = 0;
    std::vector<std::optional<mpi_clock::time_point>> left_at_;
    std::vector<MPI_Request> sends_;
};

} // namespace lockstep::detail
