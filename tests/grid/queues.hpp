// SPDX-License-Identifier: MIT
// A platform for grids whose devices are this process' threads: each stream is a queue with a thread of its own, which
// takes its time at random, so that work that is not ordered by an event is soon done in the wrong order.
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/error.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace queues {

namespace ls = lockstep;

/// For tests of the tests: whether streams of a launched graph go on without waiting for each other.
inline bool& waits_are_forgotten() {
    static bool forgotten = false;
    return forgotten;
}
/// So many launches of kernels go well, and then one throws; a negative number: none does.
inline int& launches_until_failure() {
    static int launches = -1;
    return launches;
}

/// Happens once.
class happening {
public:
    void happen() {
        std::lock_guard const lock(mutex_);
        happened_ = true;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return happened_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool happened_ = false;
};

/// What the last record of it put into a stream.
class event {
public:
    explicit event(int) : last_(std::make_unique<std::shared_ptr<happening>>()) {}

    void synchronize() const {
        if (*last_ != nullptr) (*last_)->wait();
    }

private:
    friend class stream;
    friend class graph;
    std::unique_ptr<std::shared_ptr<happening>> last_;
};

class stream;

/// One thing that a captured stream was told.
struct recorded_work {
    stream const* where;
    enum { work, record, wait } kind;
    std::function<void()> call;
    event const* which = nullptr;
};

/// A capture that is under way: the streams that take part, and what they were told, in order.
struct capture {
    std::set<stream const*> streams;
    std::set<event const*> events;
    std::vector<recorded_work> all;
};
inline capture*& current_capture() {
    static thread_local capture* current = nullptr;
    return current;
}

class stream {
public:
    explicit stream(int) : state_(std::make_shared<state>()) {
        state_->thread = std::jthread([s = state_.get()] { s->work(); });
    }
    stream(stream&&) = default;
    stream(stream const&) = delete;
    ~stream() {
        if (state_ == nullptr) return;
        push([s = state_.get()] { s->ends = true; });
        state_->thread.join();
    }

    /// What the stream is told to do.
    void push(std::function<void()> work) const {
        std::lock_guard const lock(state_->mutex);
        state_->queue.push_back(std::move(work));
        state_->changed.notify_one();
    }
    void tell(std::function<void()> work) const {
        if (is_captured()) current_capture()->all.push_back({this, recorded_work::work, std::move(work), nullptr});
        else push(std::move(work));
    }
    void record(event const& e) const {
        if (is_captured()) {
            current_capture()->all.push_back({this, recorded_work::record, {}, &e});
            current_capture()->events.insert(&e);
            return;
        }
        auto const happens = std::make_shared<happening>();
        *e.last_ = happens;
        push([happens] { happens->happen(); });
    }
    void wait(event const& e) const {
        // A stream that waits for captured work is captured too.
        if (current_capture() != nullptr && current_capture()->events.contains(&e)) {
            current_capture()->streams.insert(this);
            current_capture()->all.push_back({this, recorded_work::wait, {}, &e});
            return;
        }
        if (is_captured()) throw ls::usage_error("queues: a captured stream waits for an event from outside");
        if (auto const last = *e.last_; last != nullptr) push([last] { last->wait(); });
    }
    void synchronize() const {
        if (is_captured()) throw ls::usage_error("queues: a captured stream cannot be waited for");
        happening done;
        push([&done] { done.happen(); });
        done.wait();
    }

private:
    friend class graph;
    bool is_captured() const { return current_capture() != nullptr && current_capture()->streams.contains(this); }

    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<std::function<void()>> queue;
        bool ends = false;
        std::jthread thread;

        void work() {
            std::minstd_rand random(static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(this) >> 6));
            while (!ends) {
                std::function<void()> next;
                {
                    std::unique_lock lock(mutex);
                    changed.wait(lock, [this] { return !queue.empty(); });
                    next = std::move(queue.front());
                    queue.pop_front();
                }
                if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 50));
                next();
            }
        }
    };
    std::shared_ptr<state> state_;
};

class graph {
public:
    template <class Work>
    graph(stream const& s, Work const& work) {
        capture now;
        now.streams.insert(&s);
        current_capture() = &now;
        try {
            work();
        } catch (...) {
            current_capture() = nullptr;
            throw;
        }
        current_capture() = nullptr;
        all_ = std::move(now.all);
        expect_that_all_return_to(s);
    }

    /// Every event happens anew in each launch.
    void launch(stream const& s) const {
        std::map<event const*, std::shared_ptr<happening>> happenings;
        // What is there already comes first, for all streams.
        auto const start = std::make_shared<happening>();
        s.push([start] { start->happen(); });
        std::set<stream const*> started{&s};
        for (recorded_work const& each : all_) {
            if (started.insert(each.where).second) each.where->push([start] { start->wait(); });
            switch (each.kind) {
            case recorded_work::work: each.where->push(each.call); break;
            case recorded_work::record: {
                auto const happens = std::make_shared<happening>();
                happenings[each.which] = happens;
                each.where->push([happens] { happens->happen(); });
                break;
            }
            case recorded_work::wait:
                if (waits_are_forgotten() && each.where != &s) break;
                each.where->push([happens = happenings.at(each.which)] { happens->wait(); });
                break;
            }
        }
    }

private:
    /// As CUDA demands: the last thing of every other stream is an event for which, in the end, the first one waits.
    void expect_that_all_return_to(stream const& origin) const {
        std::map<stream const*, std::set<event const*>> pending;
        std::map<event const*, stream const*> recorded_by;
        std::map<stream const*, bool> is_joined;
        for (std::size_t i = 0; i < all_.size(); ++i) {
            recorded_work const& each = all_[i];
            if (each.where != &origin) is_joined[each.where] = false;
            if (each.kind == recorded_work::record) recorded_by[each.which] = each.where;
            if (each.kind == recorded_work::wait && each.where == &origin) is_joined[recorded_by[each.which]] = true;
        }
        // Update streams are joined through those that wait for them.
        bool grows = true;
        while (grows) {
            grows = false;
            std::map<event const*, stream const*> by;
            for (recorded_work const& each : all_) {
                if (each.kind == recorded_work::record) by[each.which] = each.where;
                if (each.kind != recorded_work::wait) continue;
                bool const reaches = each.where == &origin || is_joined[each.where];
                if (reaches && !is_joined[by[each.which]]) is_joined[by[each.which]] = grows = true;
            }
        }
        for (auto const& [where, joined] : is_joined)
            if (where != &origin && !joined) throw ls::usage_error("queues: a captured stream does not return to the first one");
    }

    std::vector<recorded_work> all_;
};

/// Where memory ends is known, so that kernels which leave it are found by the address sanitizer.
class memory {
public:
    memory(int, std::size_t bytes) : bytes_(new (std::align_val_t{256}) std::byte[bytes + 1]{}) {}
    std::byte* data() const { return bytes_.get(); }

private:
    struct free {
        void operator()(std::byte* data) const { ::operator delete[](data, std::align_val_t{256}); }
    };
    std::unique_ptr<std::byte[], free> bytes_;
};

class pinned : public memory {
public:
    explicit pinned(std::size_t bytes) : memory(0, bytes) {}
};

/// Where the streams of all devices meet for a sum; the last to come adds. Each element begins at another device, as rings
/// do: no order of ours.
template <class T>
class meeting {
public:
    meeting(std::size_t devices, std::int64_t count, ls::grid::combination how)
        : places(devices), all_there_(static_cast<std::ptrdiff_t>(devices), addition{this, count, how}) {}

    std::vector<T*> places;
    void arrive_and_wait() { all_there_.arrive_and_wait(); }

private:
    struct addition {
        meeting* all;
        std::int64_t count;
        ls::grid::combination how;

        void operator()() noexcept {
            std::size_t const devices = all->places.size();
            for (std::int64_t i = 0; i < count; ++i) {
                auto const at = [&](std::size_t d) { return all->places[(static_cast<std::size_t>(i) + d) % devices][i]; };
                T result = at(0);
                for (std::size_t d = 1; d < devices; ++d)
                    result = how == ls::grid::combination::sum ? result + at(d) : std::max(result, at(d));
                for (T* place : all->places) place[i] = result;
            }
        }
    };
    std::barrier<addition> all_there_;
};

/// What communicators of several processes, or threads that play them, have in common: their meetings, by number.
struct clique {
    std::mutex mutex;
    std::map<int, std::shared_ptr<void>> meetings;

    static std::map<int, std::shared_ptr<clique>>& all() {
        static std::map<int, std::shared_ptr<clique>> known;
        return known;
    }
    static std::mutex& all_mutex() {
        static std::mutex mutex;
        return mutex;
    }
    static std::shared_ptr<clique> of(int id) {
        std::lock_guard const lock(all_mutex());
        return all().at(id);
    }
};

/// Where devices meet. `Captured`: whether graphs of several devices hold what they do together.
template <bool Captured>
class communicators {
public:
    static int make_id() {
        std::lock_guard const lock(clique::all_mutex());
        int const id = static_cast<int>(clique::all().size());
        clique::all()[id] = std::make_shared<clique>();
        return id;
    }
    explicit communicators(std::span<int const> devices)
        : communicators(devices, make_id(), 0, static_cast<int>(devices.size())) {}
    communicators(std::span<int const> devices, int id, int first, int all)
        : devices_(devices.size()), first_(static_cast<std::size_t>(first)), all_(static_cast<std::size_t>(all)),
          clique_(clique::of(id)) {}

    /// Each stream waits in its thread for all others.
    template <class T>
    void all_reduce(std::span<stream const* const> streams, std::span<T* const> places, std::int64_t count,
                    ls::grid::combination how = ls::grid::combination::sum) {
        if (streams.size() != devices_ || places.size() != devices_) throw ls::usage_error("queues: a sum of other devices");
        ++sums();
        std::shared_ptr<meeting<T>> here;
        {
            std::lock_guard const lock(clique_->mutex);
            auto& known = clique_->meetings[next_++];
            if (known == nullptr) known = std::make_shared<meeting<T>>(all_, count, how);
            here = std::static_pointer_cast<meeting<T>>(known);
            for (std::size_t i = 0; i < devices_; ++i) here->places[first_ + i] = places[i];
        }
        for (stream const* each : streams) each->tell([here] { here->arrive_and_wait(); });
    }
    template <class Waited>
    static void synchronize(Waited const& stream_or_event) {
        stream_or_event.synchronize();
    }
    static constexpr bool can_be_captured(int devices) { return Captured || devices == 1; }

    /// How many all_reduce were called, of all communicators.
    static std::atomic<int>& sums() {
        static std::atomic<int> count = 0;
        return count;
    }

private:
    std::size_t devices_, first_, all_;
    std::shared_ptr<clique> clique_;
    int next_ = 0;
};

/// `Reaches`: whether kernels of a device may read and write the memory of others.
template <bool Reaches, bool Captured = false>
struct platform {
    using stream = queues::stream;
    using event = queues::event;
    using memory = queues::memory;
    using pinned = queues::pinned;
    using graph = queues::graph;
    using communicators = queues::communicators<Captured>;
    static constexpr ls::topology const& machine = ls::cpu_host;

    static bool reaches(int device, int peer) { return Reaches || device == peer; }
    static void copy(stream const& s, std::byte* to, std::byte const* from, std::size_t bytes) {
        s.tell([=] { std::memmove(to, from, bytes); });
    }
    static void clear(stream const& s, std::byte* to, std::size_t bytes) {
        s.tell([=] { std::memset(to, 0, bytes); });
    }
    template <class K>
    static void launch(stream const& s, typename K::argument const& a) {
        if (launches_until_failure() >= 0 && launches_until_failure()-- == 0) throw ls::error("a launch that fails");
        s.tell([a] { ls::grid::run_here<K>(a); });
    }
};

/// Device number Number. Those of one kind reach each other.
template <int Number, bool Reaches = true, bool Captured = false>
struct queue {
    using platform = queues::platform<Reaches, Captured>;
    static constexpr int number = Number;
};

} // namespace queues
