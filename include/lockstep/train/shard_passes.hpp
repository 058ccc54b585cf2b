// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/parallel/replica.hpp>
#include <lockstep/parallel/team.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

namespace lockstep::detail {

/// What a shard's passes leave beside gradients. On a cache line of its own: replicas write at the same time.
struct alignas(memory_alignment) shard_result {
    double loss = 0.0, divisor = 0.0, correct = 0.0, answers = 0.0;
};

/// The forward and backward passes of a batch's shards, with a gradient for each. Every member that takes a replica's
/// number is called by all replicas within team::run. A failure is kept, and all come to the places where they meet.
/// Plan is the static_plan of a training step.
template <class T, class Plan>
class shard_passes {
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas;
    static constexpr int shards = p.settings.shards;

    static constexpr std::size_t collective_count = [] {
        std::size_t count = 0;
        for (operation const& op : p.operations) count += op.facts.is_collective;
        return count;
    }();
    static constexpr std::array<int, collective_count> collectives = [] {
        std::array<int, collective_count> places{};
        std::size_t next = 0;
        for (std::size_t i = 0; i < p.operations.size(); ++i)
            if (p.operations[i].facts.is_collective) places[next++] = static_cast<int>(i);
        return places;
    }();
    /// Shards of one replica advance together, each in memory of its own.
    static constexpr bool meets = shards > 1 && collective_count > 0;

public:
    shard_passes(lockstep::team& team, std::byte* parameters) : team_(&team), parameters_(parameters) {
        constexpr std::size_t bytes = static_cast<std::size_t>(p.parameter_elements) * sizeof(T);
        // Each replica touches its own memory first, so that it lies near the core that uses it.
        team.run([&](int r) {
            for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
                gradients_[s] = host_memory(bytes);
                std::fill_n(gradient(s), p.parameter_elements, T{});
                if (meets || s == first_shard(r)) replicas_[s] = std::make_unique<replica>(p, parameters_);
            }
        });
    }

    /// The first of a replica's shards; those of the next one follow.
    static constexpr int first_shard(int replica) { return replica * (shards / replicas); }

    T* gradient(int shard) const { return gradients_[shard].template as<T>().data(); }
    std::array<T const*, shards> gradients() const {
        std::array<T const*, shards> all;
        for (int s = 0; s < shards; ++s) all[s] = gradient(s);
        return all;
    }
    shard_result const& result(int shard) const { return results_[shard]; }

    bool failed() const { return failed_; }
    /// The first failure of a replica, in the caller's thread.
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

    /// Both passes of a replica's shards, one shard after the other where they need not meet.
    template <class InputOf>
    void forward_and_backward(int r, InputOf const& input_of) {
        if constexpr (meets) {
            forward(r, input_of);
            backward(r);
        } else {
            guarded([&] {
                replica& own = *replicas_[first_shard(r)];
                for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
                    begin(own, s, input_of(s));
                    if (!takes_part(s)) continue;
                    own.run(0, p.forward_count);
                    read_result(own, s);
                    own.run(p.forward_count, operation_count);
                }
            });
        }
        team_->synchronize();
    }

    /// Before forward and backward are called one by one: memory for every shard's values. Not within team::run.
    void keep_all_shards() {
        if (replicas_[first_shard(1) - 1] != nullptr) return;
        team_->run([&](int r) {
            for (int s = first_shard(r) + 1; s < first_shard(r + 1); ++s)
                replicas_[s] = std::make_unique<replica>(p, parameters_);
        });
    }
    template <class InputOf>
    void forward(int r, InputOf const& input_of) {
        guarded([&] {
            for (int s = first_shard(r); s < first_shard(r + 1); ++s) begin(*replicas_[s], s, input_of(s));
        });
        run(r, 0, p.forward_count);
        guarded([&] {
            for (int s = first_shard(r); s < first_shard(r + 1); ++s)
                if (takes_part(s)) read_result(*replicas_[s], s);
        });
    }
    void backward(int r) { run(r, p.forward_count, operation_count); }

private:
    static constexpr int operation_count = static_cast<int>(p.operations.size());

    void begin(replica& own, int shard, shard_input const& input) {
        samples_[shard] = input.samples;
        own.begin(input, gradients_[shard].data());
        results_[shard] = {};
        if (!takes_part(shard)) std::fill_n(gradient(shard), p.parameter_elements, T{});
    }
    /// Of no samples nothing is computed, where a mean over them would be 0 / 0: their gradients are 0. Where shards
    /// meet, that mean is over all of theirs.
    bool takes_part(int shard) const { return meets || samples_[shard] > 0; }
    void read_result(replica const& own, int shard) {
        results_[shard].loss = static_cast<double>(*own.template result<T>(p.loss));
        results_[shard].divisor = p.divisor < 0 ? static_cast<double>(samples_[shard])
                                                : static_cast<double>(*own.template result<T>(p.divisor));
    }

    /// Operations first to last - 1 of all own shards, with all replicas at each that is collective.
    void run(int r, int first, int last) {
        auto const run_own = [&](int from, int to) {
            guarded([&] {
                for (int s = first_shard(r); s < first_shard(r + 1); ++s)
                    if (takes_part(s)) replicas_[s]->run(from, to);
            });
        };
        if constexpr (meets) {
            for (int const place : collectives) {
                if (place < first || place >= last) continue;
                run_own(first, place);
                team_->synchronize();
                guarded([&] { add_shards(r, p.operations[place]); });
                // Nobody goes on and writes where others still read.
                team_->synchronize();
                first = place + 1;
            }
        }
        run_own(first, last);
    }

    void add_shards(int r, operation const& op) {
        std::array<T const*, shards> values;
        for (int s = 0; s < shards; ++s) values[s] = replicas_[s]->template result<T>(op.operands[0]);
        for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
            T* const sum = replicas_[s]->template result<T>(op.result);
            for (std::int64_t i = 0; i < p.buffers[op.result].shape.size(); ++i)
                sum[i] = sum_over_shards<shards>([&](int each) { return values[each][i]; });
        }
    }

    /// A failure must not keep a replica from the places where the others wait for it; after one, nobody goes on.
    template <class Work>
    void guarded(Work&& work) {
        if (failed_) return;
        try {
            work();
        } catch (...) {
            std::lock_guard const lock(failure_mutex_);
            if (!failure_) failure_ = std::current_exception();
            failed_ = true;
        }
    }

    lockstep::team* team_;
    std::byte* parameters_;
    std::array<host_memory, shards> gradients_;
    std::array<std::unique_ptr<replica>, shards> replicas_;
    std::array<shard_result, shards> results_;
    std::array<std::int64_t, shards> samples_{};
    std::mutex failure_mutex_;
    std::exception_ptr failure_;
    std::atomic<bool> failed_{false};
};

} // namespace lockstep::detail
