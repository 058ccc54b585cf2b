// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/bucket_bounds.hpp>

#include <cstdint>

namespace lockstep {

/// What a plan is made for.
struct plan_settings {
    int replicas = 1;
    /// Parts of a batch, whose gradients are added in a fixed tree. A replica computes shards / replicas of them; with
    /// several processes these are at most the shards of one.
    int shards = 1;
    /// Samples of a full batch.
    int batch = 1;
    int element_bytes = 4;
    /// Buckets are large enough to be worth a pass of their own, and small enough to be ready while earlier layers compute.
    bucket_bounds buckets = {};
    /// Values that the optimizer keeps for every parameter.
    int optimizer_states = 1;
    /// The optimizer needs the norm of the whole gradient, so no bucket is updated before all are reduced.
    bool needs_norm = false;
    /// Other processes train the same model on other samples of a batch.
    bool across_processes = false;
    /// Other processes do so too, but the devices themselves add what all shards have in common: the schedule exchanges
    /// nothing.
    bool with_others = false;
    /// Each process keeps the optimizer's values for the slices that it owns alone.
    bool sharded_optimizer = false;
    /// Each replica has the parameters in memory of its own, as a GPU has; replicas of a host share one copy.
    bool own_memory = false;
    /// Each replica updates all parameters, and keeps the optimizer's values for all of them, instead of its slices.
    bool updates_all = false;

    /// Whether a batch is one shard, with nobody to meet.
    constexpr bool is_one_shard() const { return shards == 1 && !across_processes && !with_others; }
};

/// The samples of a batch that a shard computes: any two differ by at most one, and with fewer samples than
/// shards some are empty.
struct sample_range {
    std::int64_t first = 0;
    std::int64_t count = 0;
};

constexpr sample_range shard_of(std::int64_t samples, int shard, int shards) {
    std::int64_t const first = samples * shard / shards;
    return {first, samples * (shard + 1) / shards - first};
}

} // namespace lockstep
