// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/parallel/agreement.hpp>
#include <lockstep/parallel/exchanges.hpp>
#include <lockstep/parallel/replica.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep::detail {

/// Whether an earlier batch's gradients wait for this one's, and whether this one's wait for a later one's.
struct accumulation {
    bool continues = false;
    bool waits = false;
};

/// What a call of a trainer's step, or of a part of it, is about.
template <int Shards>
struct step_call {
    std::array<shard_input, static_cast<std::size_t>(Shards)> inputs;
    step_header header;
    /// The loss is divided by nothing; else by what all samples count, those of accumulated batches included.
    bool is_sum = false;
    double accumulated_divisor = 0.0;
    /// Updates so far.
    std::uint64_t updates = 0;
    lockstep::detail::accumulation accumulation;
};

} // namespace lockstep::detail
