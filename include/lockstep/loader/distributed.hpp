// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/settings.hpp>

#include <cstdint>
#include <string>

namespace lockstep {

/// `loader | distributed(mpi::rank(), mpi::size())`: of every batch, which is that of all processes together, this
/// process reads and delivers its part alone. All deliver the same number of batches, in which a process may have no
/// samples. Order and content of the whole don't depend on the number of processes: their parts, one after another,
/// are the batches that one process would deliver.
class distributed {
public:
    /// Throws usage_error for a rank that is none of 0 to ranks - 1.
    constexpr distributed(int rank, int ranks) : rank_(rank), ranks_(ranks) {
        if (ranks < 1 || rank < 0 || rank >= ranks)
            throw usage_error{"distributed(" + std::to_string(rank) + ", " + std::to_string(ranks) +
                              "): expected at least 1 process and a rank below their number"};
    }

    constexpr int rank() const { return rank_; }
    constexpr int ranks() const { return ranks_; }
    /// The samples of a whole batch that are this process's.
    constexpr sample_range part_of(std::int64_t whole) const { return shard_of(whole, rank_, ranks_); }

private:
    int rank_;
    int ranks_;
};

} // namespace lockstep
