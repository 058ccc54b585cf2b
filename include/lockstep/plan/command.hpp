// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lockstep {

/// What a replica is told to do in a step. All replicas get the same commands in the same order; one that is for the
/// leader alone, the replica that speaks for its process, is left out by the others.
enum class command_kind : std::uint8_t {
    begin,             ///< shards take their samples
    run,               ///< operations of shards
    sum_shards,        ///< a collective operation: its operand summed over the shards
    keep_results,      ///< losses and counts of shards
    pack,              ///< what an exchange sends is computed
    merge,             ///< observations change the states
    reduce,            ///< a bucket's own slice: the sum over the shards of this process
    combine,           ///< a bucket's own slice: the sum over all processes, and the mean
    reduce_and_update, ///< a bucket's own slice: reduce, mean and update in one pass
    measure,           ///< the own part of the gradient's norm
    update,            ///< a bucket's own slice: the optimizer's formula
    arrive,            ///< at an event
    wait,              ///< until all have arrived at an event
    start,             ///< an exchange between processes
    finish             ///< waits for the end of an exchange
};

/// One command. `index` is the bucket, event, exchange or collective operation that it is about.
struct command {
    command_kind kind = command_kind::run;
    bool leader_only = false;
    int index = -1;
    /// Operations first to last - 1.
    int first = 0, last = 0;
    /// Of a replica's shards, counted from 0: those from first_shard to last_shard - 1.
    int first_shard = 0, last_shard = 0;
};

/// What processes send each other in a step.
enum class exchange_kind : std::uint8_t {
    header,     ///< which step this is, and of how many samples: compared before anything is believed
    results,    ///< losses and counts of all shards
    states,     ///< sums of observations
    collective, ///< sums for a collective operation
    scatter,    ///< of a bucket's gradient sums, to each process its slice
    gather,     ///< of a bucket's mean gradient, each process' slice to all others
    publish     ///< of a bucket's new parameters, each process' slice to all others
};
struct exchange {
    exchange_kind kind = exchange_kind::header;
    /// The bucket or the collective operation.
    int index = -1;
};

/// A step in time. A replica has two streams: its passes, and what follows them. What stands in a stream is done in
/// its order, and events order one stream after others. An event has happened when so many have arrived at it.
struct step_schedule {
    std::vector<command> compute;
    std::vector<command> update;
    /// For each event, the number of arrivals.
    std::vector<int> events;
    std::vector<exchange> exchanges;
};

/// A schedule as constant data.
struct step_schedule_view {
    std::span<command const> compute;
    std::span<command const> update;
    std::span<int const> events;
    std::span<exchange const> exchanges;
};

} // namespace lockstep
