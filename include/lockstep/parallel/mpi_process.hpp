// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/mpi_notices.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace lockstep::detail {

inline bool mpi_is_finalized() {
    int done = 0;
    MPI_Finalized(&done);
    return done != 0;
}

/// Whether a process, by its rank among all, has a part in a communicator.
inline bool is_member(MPI_Comm comm, int rank_among_all) {
    MPI_Group all = MPI_GROUP_NULL, members = MPI_GROUP_NULL;
    int rank = MPI_UNDEFINED;
    MPI_Comm_group(MPI_COMM_WORLD, &all);
    MPI_Comm_group(comm, &members);
    MPI_Group_translate_ranks(all, 1, &rank_among_all, members, &rank);
    MPI_Group_free(&all);
    MPI_Group_free(&members);
    return rank != MPI_UNDEFINED;
}

/// A communicator with the same processes, whose errors are returned. Collective; ends with a process_error after
/// the time limit, or when `world`, the notices of all processes, says that one that has a part has ended.
inline MPI_Comm duplicate(MPI_Comm parent, std::chrono::milliseconds limit, mpi_notices* world) {
    int rank = 0;
    check_mpi(MPI_Comm_rank(parent, &rank), "MPI_Comm_rank", rank);
    // MPI writes there when the last process has come, and cannot be told not to: given up if that is too late.
    auto copy = std::make_unique<MPI_Comm>(MPI_COMM_NULL);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Comm_idup(parent, copy.get(), &request), "MPI_Comm_idup", rank);
    auto const begin = mpi_clock::now();
    auto const give_up = [&](int culprit, std::string const& text) {
        static_cast<void>(copy.release());
        throw process_error(culprit, text);
    };
    for (mpi_backoff wait;; wait()) {
        int done = 0;
        check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test", rank);
        if (done) break;
        auto const now = mpi_clock::now();
        if (now - begin > limit)
            give_up(rank, "rank " + std::to_string(rank) + ": expected all processes to make a group within " +
                              std::to_string(limit.count()) + " ms, found some that did not");
        if (!world) continue;
        world->listen();
        for (int other = 0; world->anybody_left() && other < world->size(); ++other)
            if (auto const left = world->left_at(other); left && now - *left > mpi_delay && is_member(parent, other))
                give_up(other, "rank " + std::to_string(other) + " has ended without making a group");
    }
    check_mpi(MPI_Comm_set_errhandler(*copy, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler", rank);
    return *copy;
}

/// This process's part in MPI: begun here, and ended at exit, unless the user does both.
class mpi_process {
public:
    /// Throws usage_error where MPI was begun without threads, or is over.
    static mpi_process& get() {
        if (mpi_is_finalized()) throw usage_error("mpi: expected to be used before MPI_Finalize, found it was called");
        static mpi_process process;
        return process;
    }
    mpi_process(mpi_process const&) = delete;
    mpi_process& operator=(mpi_process const&) = delete;

    /// Exit in the midst of a group, by std::exit for one, leaves the group's destructor out: its processes would
    /// wait for this one, which would wait for them in MPI_Finalize.
    ~mpi_process() {
        if (!world_ || mpi_is_finalized()) return;
        for (mpi_notices* each : mpi_notices::living) {
            if (each != &*world_) each->fail("its program ended");
            each->tell();
        }
        auto const deadline = mpi_clock::now() + mpi_farewell;
        try {
            for (mpi_backoff wait; mpi_clock::now() < deadline; wait()) {
                world_->listen();
                bool sent = true;
                for (mpi_notices* each : mpi_notices::living) sent = each->sent() && sent;
                if (sent && world_->all_left()) break;
            }
        } catch (process_error const&) {
            // MPI is broken, and MPI_Finalize says so.
        }
        MPI_Finalize();
    }

    /// What the processes of a program say of its end; none where MPI belongs to the user.
    mpi_notices* world() { return world_ ? &*world_ : nullptr; }

    /// Throws usage_error on a thread that must not call MPI.
    void check_thread() const {
        int is_main = 0;
        MPI_Is_thread_main(&is_main);
        if (level_ == MPI_THREAD_FUNNELED && !is_main)
            throw usage_error("mpi: expected a group to be made on the thread that began MPI, which has "
                              "MPI_THREAD_FUNNELED, found another thread");
    }

private:
    mpi_process() {
        int begun = 0;
        MPI_Initialized(&begun);
        if (begun) MPI_Query_thread(&level_);
        else MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level_);
        if (level_ < MPI_THREAD_FUNNELED) {
            if (!begun) MPI_Finalize();
            throw usage_error(std::string("mpi: expected at least MPI_THREAD_FUNNELED, as replicas are threads, found "
                                          "MPI_THREAD_SINGLE: ") +
                              (begun ? "begin MPI with MPI_Init_thread" : "this MPI has no more"));
        }
        if (!begun) world_.emplace(duplicate(MPI_COMM_WORLD, std::chrono::minutes(10), nullptr));
    }

    int level_ = MPI_THREAD_SINGLE;
    std::optional<mpi_notices> world_;
};

} // namespace lockstep::detail
