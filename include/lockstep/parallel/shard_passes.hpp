// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/failure.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/parallel/replica.hpp>
#include <lockstep/parallel/shard_tree.hpp>
#include <lockstep/parallel/team.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace lockstep::detail {

/// What a shard's passes leave beside gradients. On a cache line of its own: replicas write at the same time.
struct alignas(memory_alignment) shard_result {
    double loss = 0.0, divisor = 0.0, correct = 0.0, answers = 0.0;
    std::int64_t samples = 0;
};

/// The forward and backward passes of a process' shards, with a gradient for each. Every member that takes a replica's
/// number is called by all replicas. Plan is the static_plan of a training step. Shards are numbered within the process.
template <class T, class Plan>
class shard_passes {
    static constexpr plan p = Plan::value;
    static constexpr int replicas = p.settings.replicas;

public:
    static constexpr int max_shards = p.settings.shards;
    /// Shards of one replica advance together, each in memory of its own.
    static constexpr bool meets = p.shards_advance_together();

    shard_passes(lockstep::team& team, std::byte* parameters, shard_share share)
        : team_(&team), parameters_(parameters), share_(share), results_(static_cast<std::size_t>(share.total)),
          samples_(static_cast<std::size_t>(share.count)) {
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

    shard_share const& share() const { return share_; }
    /// The first of a replica's shards; those of the next one follow.
    int first_shard(int replica) const {
        if constexpr (p.settings.across_processes) return replica * (share_.count / replicas);
        else return replica * (max_shards / replicas);
    }

    T* gradient(int shard) const { return gradients_[shard].template as<T>().data(); }
    /// The gradients of the shards from `first` on.
    template <int Count = max_shards>
    std::array<T const*, Count> gradients(int first = 0) const {
        std::array<T const*, Count> all;
        for (int s = 0; s < Count; ++s) all[s] = gradient(first + s);
        return all;
    }
    /// Of all shards of the batch, in whatever process.
    std::vector<shard_result>& results() { return results_; }
    shard_result const& result(int shard_of_batch) const { return results_[static_cast<std::size_t>(shard_of_batch)]; }
    std::int64_t samples(int shard) const { return samples_[static_cast<std::size_t>(shard)]; }
    T* value(int shard, int buffer) const { return replicas_[shard]->template result<T>(buffer); }

    /// Of no samples nothing is computed, where a mean over them would be 0 / 0: their gradients are 0. Where shards
    /// meet, that mean is over all of theirs.
    bool takes_part(int shard) const { return meets || samples(shard) > 0; }

    // ---- the commands of a schedule ----

    /// A replica's shards in a command, numbered within the process. Of a plan for more shards than this process has,
    /// the last ones are its own.
    template <class Work>
    void for_shards(command const& c, int r, Work const& work) {
        int const planned = max_shards / replicas, own = share_.count / replicas;
        for (int s = std::max(c.first_shard - (planned - own), 0); s < c.last_shard - (planned - own); ++s)
            work(first_shard(r) + s);
    }
    replica& memory_of(int r, int shard) const { return *replicas_[meets ? shard : first_shard(r)]; }

    void begin(replica& own, int shard, shard_input const& input) {
        samples_[static_cast<std::size_t>(shard)] = input.samples;
        own.begin(input, gradients_[shard].data());
        // In two statements: nvcc 13.0 forgets which member is named in an assignment.
        result_of(shard) = {};
        result_of(shard).samples = input.samples;
        if (!takes_part(shard)) std::fill_n(gradient(shard), p.parameter_elements, T{});
    }
    template <class Between>
    void run(int r, int shard, int first, int last, Between const& between, int& at) {
        if (takes_part(shard)) memory_of(r, shard).run(first, last, between, at);
    }
    void keep_result(replica const& own, int shard) {
        if (!takes_part(shard)) return;
        result_of(shard).loss = static_cast<double>(*own.template result<T>(p.loss));
        result_of(shard).divisor = p.divisor < 0 ? static_cast<double>(samples(shard))
                                                 : static_cast<double>(*own.template result<T>(p.divisor));
    }
    /// A collective operation of own shards, where all shards are this process' own.
    void add_shards(int r, operation const& op) {
        std::array<T const*, max_shards> values;
        for (int s = 0; s < max_shards; ++s) values[s] = value(s, op.operands[0]);
        for (int s = first_shard(r); s < first_shard(r + 1); ++s) {
            T* const sum = value(s, op.result);
            for (std::int64_t i = 0; i < p.buffers[op.result].shape.size(); ++i)
                sum[i] = sum_over_shards<max_shards>([&](int each) { return values[each][i]; });
        }
    }

    /// Before forward and backward are called one by one: memory for every shard's values. Not within team::run.
    void keep_all_shards() {
        if (replicas_[first_shard(1) - 1] != nullptr) return;
        team_->run([&](int r) {
            for (int s = first_shard(r) + 1; s < first_shard(r + 1); ++s)
                replicas_[s] = std::make_unique<replica>(p, parameters_);
        });
    }
    replica& own_memory_of(int shard) const { return *replicas_[shard]; }

private:
    shard_result& result_of(int shard) { return results_[static_cast<std::size_t>(share_.first + shard)]; }

    lockstep::team* team_;
    std::byte* parameters_;
    shard_share share_;
    std::array<host_memory, max_shards> gradients_;
    std::array<std::unique_ptr<replica>, max_shards> replicas_;
    std::vector<shard_result> results_;
    std::vector<std::int64_t> samples_;
};

} // namespace lockstep::detail
