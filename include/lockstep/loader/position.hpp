// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// Where in its data a loader is: four integers, to be kept with a checkpoint. None of them depends on the number of
/// workers, nor on the size of a batch.
struct loader_position {
    /// The sampler's; 0 where it has none.
    std::uint64_t seed = 0;
    std::int64_t epoch = 0;
    /// Samples of the epoch that have been delivered.
    std::int64_t sample = 0;
    /// Samples of an epoch.
    std::int64_t samples = 0;

    friend constexpr bool operator==(loader_position const&, loader_position const&) = default;
};

} // namespace lockstep
