// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// What every random number of a run is derived from. A type of its own, so that a call reads
/// `shuffle(seed{1})` and no number is taken for a seed by mistake.
struct seed {
    std::uint64_t value = 0;

    friend constexpr bool operator==(seed, seed) = default;
};

} // namespace lockstep
