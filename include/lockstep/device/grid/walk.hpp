// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>

#include <array>
#include <cstdint>

namespace lockstep::grid {

/// An axis that two sides have, with the steps in memory from one of its elements to the next.
struct shared_axis {
    std::int64_t extent, from, to;
};

/// The extent of the outermost axis where only a call knows it: the number of samples.
inline constexpr std::int64_t any_extent = 0;

/// Axes from the outermost to the innermost one, as few as will do: an axis of extent 1 is none, and two neighbours
/// that both sides walk with one step are one.
struct axis_walk {
    int count = 0;
    std::array<shared_axis, max_rank + 1> axis{};

    /// One more axis, inside of those before.
    constexpr void add(shared_axis inner) {
        if (inner.extent == 1) return;
        if (count > 0) {
            shared_axis& outer = axis[count - 1];
            if (outer.from == inner.extent * inner.from && outer.to == inner.extent * inner.to) {
                outer = {outer.extent * inner.extent, inner.from, inner.to};
                return;
            }
        }
        axis[count++] = inner;
    }
    /// The axis along which the elements of a side lie next to each other; -1 if there is none.
    constexpr int contiguous(std::int64_t shared_axis::*side) const {
        int i = count - 1;
        while (i >= 0 && axis[i].*side != 1) --i;
        return i;
    }
};

/// An element on both sides.
struct shared_place {
    std::int64_t from, to;
};

/// Where element `index` of a walk, a type with a constexpr axis_walk `value`, lies: divisions by constants, without a
/// sign because these are the fast ones.
template <class Walk, int Axis = Walk::value.count - 1>
constexpr shared_place place_in(std::uint64_t index) {
    if constexpr (Axis < 0) return {0, 0};
    else {
        constexpr shared_axis own = Walk::value.axis[Axis];
        // Only the outermost axis may be longer than it is known to be.
        constexpr std::uint64_t extent = Axis == 0 ? 1 : static_cast<std::uint64_t>(own.extent);
        auto const inner = static_cast<std::int64_t>(Axis == 0 ? index : index % extent);
        shared_place const outer = place_in<Walk, Axis - 1>(Axis == 0 ? 0 : index / extent);
        return {outer.from + inner * own.from, outer.to + inner * own.to};
    }
}

} // namespace lockstep::grid
