// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/mpi_notices.hpp>
#include <lockstep/parallel/mpi_process.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace lockstep::detail {

/// Requests of MPI that are started and finished together.
struct mpi_exchange {
    /// For messages of errors.
    std::string name;
    std::vector<MPI_Request> requests;
    std::vector<int> peers;
    /// So many of the requests, the first ones, are receives.
    std::size_t receives = 0;
    int pending = 0;
    mpi_clock::time_point last_progress;

    /// For a request to come.
    MPI_Request* add(int peer) {
        peers.push_back(peer);
        return &requests.emplace_back(MPI_REQUEST_NULL);
    }
    void count_started() {
        ++pending;
        last_progress = mpi_clock::now();
    }
};

/// Whether a request was started and is not complete.
inline bool is_pending(MPI_Request request) {
    int complete = 0;
    return MPI_Request_get_status(request, &complete, MPI_STATUS_IGNORE) == MPI_SUCCESS && !complete;
}

/// Exchanges over a communicator, beside the notices of who left and who failed. Whoever waits makes progress, looks
/// for notices and for the time limit. See mpi_group for how it ends.
class mpi_channel {
public:
    /// Takes the communicator, whose errors are returned.
    mpi_channel(MPI_Comm comm, std::chrono::milliseconds time_limit)
        : time_limit_(time_limit), comm_(comm), notices_(comm) {
        void* tags = nullptr;
        int known = 0;
        check(MPI_Comm_get_attr(comm_, MPI_TAG_UB, &tags, &known), "MPI_Comm_get_attr");
        if (known) last_tag_ = *static_cast<int*>(tags);
    }
    mpi_channel(mpi_channel const&) = delete;
    mpi_channel& operator=(mpi_channel const&) = delete;
    ~mpi_channel() {
        if (mpi_is_finalized()) return;
        if (std::uncaught_exceptions() > exceptions_) fail("an exception ended its work");
        try {
            leave();
        } catch (std::exception const&) {
            // MPI is broken or memory is short. The others find out by themselves.
        }
    }

    int rank() const { return notices_.rank(); }
    int size() const { return notices_.size(); }
    MPI_Comm comm() const { return comm_; }
    void set_time_limit(std::chrono::milliseconds limit) { time_limit_ = limit; }

    /// Every exchange has a tag of its own, behind that of the notices.
    int tag_of(std::size_t exchange) const { return mpi_notices::tag + 1 + static_cast<int>(exchange); }
    std::size_t most_exchanges() const { return static_cast<std::size_t>(last_tag_ - mpi_notices::tag); }
    std::size_t exchanges() const { return exchanges_.size(); }
    mpi_exchange& operator[](std::size_t exchange) { return exchanges_[exchange]; }
    void add(mpi_exchange&& exchange) {
        reserve_results(exchange.requests.size());
        exchanges_.push_back(std::move(exchange));
    }
    /// For so many requests of one exchange nothing is allocated.
    void reserve_results(std::size_t requests) {
        if (requests <= statuses_.size()) return;
        statuses_.resize(requests);
        indices_.resize(requests);
    }

    /// Throws what the group has failed of.
    void expect_usable() const {
        if (std::this_thread::get_id() != owner_)
            throw usage_error("mpi_group: expected the thread that made the group, found another one");
        if (notices_.failure()) throw process_error(notices_.failure()->rank, notices_.failure()->text);
    }
    void check(int code, std::string_view call) {
        if (code != MPI_SUCCESS) give_up(rank(), mpi_error_text(code, call, rank()));
    }

    void start(mpi_exchange& e) {
        // Who has left receives nothing any more. What is received of them may be here already: finished finds out.
        for (std::size_t i = e.receives; i < e.peers.size(); ++i)
            if (notices_.left_at(e.peers[i])) give_up_on(e.peers[i]);
        // One by one: MPI_Startall may change the order, by which pieces of a message find their places.
        for (MPI_Request& request : e.requests) {
            check(MPI_Start(&request), "MPI_Start");
            e.count_started();
        }
    }

    bool finished(mpi_exchange& e) {
        if (e.pending == 0) return true;
        check(advance(e), e.name);
        if (e.pending == 0) return true;
        notices_.listen();
        if (notices_.failure()) give_up(notices_.failure()->rank, notices_.failure()->text);
        auto const now = mpi_clock::now();
        if (notices_.anybody_left()) {
            for (std::size_t i = 0; i < e.requests.size(); ++i)
                if (auto const left = notices_.left_at(e.peers[i]);
                    left && now - *left > mpi_delay && is_pending(e.requests[i]))
                    give_up_on(e.peers[i]);
        }
        if (now - e.last_progress > time_limit_) give_up_waiting(e);
        return false;
    }
    void wait(mpi_exchange& e) {
        mpi_backoff pause;
        for (int before = e.pending; !finished(e); pause())
            if (e.pending != before) before = e.pending, pause = {};
    }

    void fail(std::string_view text) noexcept {
        if (mpi_is_finalized()) return;
        notices_.fail(text);
        tell_failure();
    }

private:
    /// Behind it nobody reads or writes memory of exchanges, which may go before the group does: unless another
    /// process is busy for longer than this one waits.
    void tell_failure() noexcept {
        notices_.tell();
        try {
            settle(mpi_clock::now() + mpi_farewell, [] { return true; });
        } catch (std::exception const&) {
            // What led here says more.
        }
    }

    /// Lets MPI work, and counts what is complete. Returns MPI's code.
    int advance(mpi_exchange& e) {
        int completed = 0;
        int const code = MPI_Testsome(static_cast<int>(e.requests.size()), e.requests.data(), &completed,
                                      indices_.data(), statuses_.data());
        if (completed == MPI_UNDEFINED) completed = e.pending;
        if (completed > 0) {
            e.pending -= completed;
            e.last_progress = mpi_clock::now();
        }
        if (code != MPI_ERR_IN_STATUS) return code;
        return std::find_if(statuses_.begin(), statuses_.begin() + completed, [](MPI_Status const& s) {
                   return s.MPI_ERROR != MPI_SUCCESS;
               })->MPI_ERROR;
    }

    [[noreturn]] void give_up(int culprit, std::string const& text) {
        notices_.remember(culprit, text);
        tell_failure();
        throw process_error(culprit, text);
    }
    [[noreturn]] void give_up_on(int peer) {
        give_up(peer, "rank " + std::to_string(peer) + " has left, though rank " + std::to_string(rank()) +
                          " expects messages with it");
    }
    [[noreturn]] void give_up_waiting(mpi_exchange const& e) {
        std::vector<int> missing;
        for (std::size_t i = 0; i < e.requests.size(); ++i)
            if (is_pending(e.requests[i])) missing.push_back(e.peers[i]);
        std::ranges::sort(missing);
        missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
        std::string list;
        for (int peer : missing) list += (list.empty() ? "" : ", ") + std::to_string(peer);
        give_up(missing.empty() ? rank() : missing.front(),
                "rank " + std::to_string(rank()) + ": " + e.name + " made no progress for " +
                    std::to_string(time_limit_.count()) + " ms, not heard of rank " + list);
    }

    bool anything_pending() const {
        return std::ranges::any_of(exchanges_, [](mpi_exchange const& e) { return e.pending > 0; });
    }
    void advance_all() {
        for (mpi_exchange& e : exchanges_)
            if (e.pending > 0) advance(e);
    }

    /// Brings to an end what nobody will wait for: what this process would receive is cancelled, and what others
    /// send to it is thrown away, so that they can let go of their memory. Returns whether that and `others` were
    /// reached before the deadline.
    template <class Condition>
    bool settle(mpi_clock::time_point deadline, Condition const& others) {
        for (mpi_exchange& e : exchanges_)
            for (std::size_t i = 0; e.pending > 0 && i < e.receives; ++i)
                if (is_pending(e.requests[i])) MPI_Cancel(&e.requests[i]);
        for (mpi_backoff pause;; pause()) {
            // In this order: what a process sent before its notice is there when that was heard.
            notices_.listen();
            bool const all_taken = discard();
            advance_all();
            if (notices_.sent() && all_taken && !anything_pending() && others()) return true;
            if (mpi_clock::now() > deadline) return false;
        }
    }
    /// Receives messages that nobody waits for, one after the other, and forgets them. Returns whether there are none.
    bool discard() {
        for (int found = 0;; found = 0) {
            if (discarding_ != MPI_REQUEST_NULL) {
                MPI_Test(&discarding_, &found, MPI_STATUS_IGNORE);
                if (!found) return false;
            }
            MPI_Status status;
            if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &found, &status) != MPI_SUCCESS || !found) return true;
            if (status.MPI_TAG == mpi_notices::tag) return false;
            int bytes = 0;
            if (MPI_Get_count(&status, MPI_BYTE, &bytes) != MPI_SUCCESS) return true;
            discarded_.resize(static_cast<std::size_t>(bytes));
            MPI_Irecv(discarded_.data(), bytes, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm_, &discarding_);
        }
    }

    void leave() {
        auto const deadline = mpi_clock::now() + mpi_farewell;
        // What was started may still be on its way.
        for (mpi_backoff pause; anything_pending() && !notices_.failure() && mpi_clock::now() < deadline; pause()) {
            notices_.listen();
            advance_all();
        }
        notices_.tell();
        if (!settle(deadline, [&] { return notices_.all_left(); })) return;
        for (mpi_exchange& e : exchanges_)
            for (MPI_Request& request : e.requests)
                if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
        MPI_Comm_free(&comm_);
    }

    std::chrono::milliseconds time_limit_;
    std::thread::id owner_ = std::this_thread::get_id();
    int exceptions_ = std::uncaught_exceptions();
    MPI_Comm comm_;
    mpi_notices notices_;
    int last_tag_ = 32767; // what MPI grants at least
    std::vector<mpi_exchange> exchanges_;
    // Results of MPI_Testsome.
    std::vector<int> indices_;
    std::vector<MPI_Status> statuses_;
    MPI_Request discarding_ = MPI_REQUEST_NULL;
    std::vector<std::byte> discarded_;
};

} // namespace lockstep::detail
