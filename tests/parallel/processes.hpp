// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/process_group.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// Where threads that play processes meet.
class meeting_place {
public:
    explicit meeting_place(int processes) : size(processes) {}

    struct parcel {
        std::byte const* data;
        std::size_t bytes;
        std::atomic<bool>* taken;
    };
    int size;
    std::mutex mutex;
    std::condition_variable changed;
    /// Parcels by exchange, sender and receiver.
    std::map<std::tuple<int, int, int>, std::deque<parcel>> parcels;
    std::string failure;
    int failed_rank = -1;
    std::vector<int> left;
};

/// A process_group of threads, so that what processes do can be tested in one, and under a thread sanitizer. A message is
/// copied when it is received, from the sender's memory: whoever writes there too early is found out.
class thread_processes {
public:
    /// What the group that this thread makes next belongs to.
    static void enter(meeting_place& place, int rank) { current_ = {&place, rank}; }

    thread_processes() : place_(current_.first), rank_(current_.second) {}
    thread_processes(thread_processes const&) = delete;
    ~thread_processes() {
        std::lock_guard const lock(place_->mutex);
        place_->left.push_back(rank_);
        place_->changed.notify_all();
    }

    int rank() const { return rank_; }
    int size() const { return place_->size; }
    /// Each as if on a machine of its own.
    int local_rank() const { return 0; }

    ls::exchange_id prepare(std::span<ls::message const> send, std::span<ls::message const> receive) {
        exchanges_.emplace_back();
        for (ls::message const& m : send)
            if (m.bytes > 0 && m.peer != rank_) exchanges_.back().send.push_back(m);
        for (ls::message const& m : receive)
            if (m.bytes > 0 && m.peer != rank_) exchanges_.back().receive.push_back(m);
        return ls::exchange_id{static_cast<int>(exchanges_.size()) - 1};
    }
    void start(ls::exchange_id id) {
        exchange& e = exchanges_[static_cast<std::size_t>(id)];
        e.taken = std::vector<std::atomic<bool>>(e.send.size());
        e.received = 0;
        std::lock_guard const lock(place_->mutex);
        for (std::size_t i = 0; i < e.send.size(); ++i)
            place_->parcels[{static_cast<int>(id), rank_, e.send[i].peer}].push_back({e.send[i].data, e.send[i].bytes, &e.taken[i]});
        place_->changed.notify_all();
    }
    bool finished(ls::exchange_id id) {
        std::lock_guard const lock(place_->mutex);
        return try_to_finish(id);
    }
    void wait(ls::exchange_id id) {
        std::unique_lock lock(place_->mutex);
        while (!try_to_finish(id))
            if (place_->changed.wait_for(lock, std::chrono::seconds(60)) == std::cv_status::timeout)
                throw ls::process_error{rank_, "nobody answers"};
    }
    void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
        std::memcpy(all.data() + static_cast<std::size_t>(rank_) * mine.size(), mine.data(), mine.size());
        std::vector<ls::message> send, receive;
        for (int peer = 0; peer < size(); ++peer) {
            send.push_back({peer, all.data() + static_cast<std::size_t>(rank_) * mine.size(), mine.size()});
            receive.push_back({peer, all.data() + static_cast<std::size_t>(peer) * mine.size(), mine.size()});
        }
        once(send, receive);
    }
    void broadcast(std::span<std::byte> data, int root) {
        std::vector<ls::message> send, receive;
        for (int peer = 0; peer < size() && rank_ == root; ++peer) send.push_back({peer, data.data(), data.size()});
        if (rank_ != root) receive.push_back({root, data.data(), data.size()});
        once(send, receive);
    }
    void fail(std::string_view text) noexcept {
        std::lock_guard const lock(place_->mutex);
        if (place_->failed_rank < 0) {
            place_->failed_rank = rank_;
            place_->failure = text;
        }
        place_->changed.notify_all();
    }

private:
    struct exchange {
        std::vector<ls::message> send, receive;
        std::vector<std::atomic<bool>> taken;
        std::size_t received = 0;
    };

    void once(std::vector<ls::message> const& send, std::vector<ls::message> const& receive) {
        ls::exchange_id const id = prepare(send, receive);
        start(id);
        wait(id);
    }
    bool try_to_finish(ls::exchange_id id) {
        if (place_->failed_rank >= 0 && place_->failed_rank != rank_)
            throw ls::process_error{place_->failed_rank, "process " + std::to_string(place_->failed_rank) + " failed: " + place_->failure};
        exchange& e = exchanges_[static_cast<std::size_t>(id)];
        for (; e.received < e.receive.size(); ++e.received) {
            ls::message const& m = e.receive[e.received];
            auto& queue = place_->parcels[{static_cast<int>(id), m.peer, rank_}];
            if (queue.empty()) {
                if (std::ranges::find(place_->left, m.peer) != place_->left.end())
                    throw ls::process_error{m.peer, "process " + std::to_string(m.peer) + " has left"};
                return false;
            }
            if (queue.front().bytes != m.bytes) throw ls::process_error{m.peer, "a message of another size"};
            std::memcpy(m.data, queue.front().data, m.bytes);
            *queue.front().taken = true;
            queue.pop_front();
            place_->changed.notify_all();
        }
        for (auto const& taken : e.taken)
            if (!taken) return false;
        return true;
    }

    static inline thread_local std::pair<meeting_place*, int> current_{};
    meeting_place* place_;
    int rank_;
    std::deque<exchange> exchanges_;
};
static_assert(ls::process_group<thread_processes>);

/// A policy of parallel, as mpi is.
struct threads_as_processes {
    using group = thread_processes;
};

/// Runs work(rank) in a thread for each process, and returns what each came to: an exception as its text.
template <class Work>
auto run_processes(int processes, Work const& work) {
    meeting_place place(processes);
    std::vector<decltype(work(0))> results(static_cast<std::size_t>(processes));
    std::vector<std::string> failures(static_cast<std::size_t>(processes));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < processes; ++rank)
        threads.emplace_back([&, rank] {
            thread_processes::enter(place, rank);
            try {
                results[static_cast<std::size_t>(rank)] = work(rank);
            } catch (std::exception const& failure) {
                failures[static_cast<std::size_t>(rank)] = failure.what();
            }
        });
    for (std::thread& thread : threads) thread.join();
    return std::pair{results, failures};
}

/// The same, where none may fail and all come to the same.
template <class Work>
auto run_alike(int processes, Work const& work) {
    auto const [results, failures] = run_processes(processes, work);
    for (int rank = 0; rank < processes; ++rank) {
        CHECK(failures[static_cast<std::size_t>(rank)] == "");
        CHECK(results[static_cast<std::size_t>(rank)] == results[0]);
    }
    return results[0];
}

} // namespace tests
