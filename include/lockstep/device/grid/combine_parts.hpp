// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/call.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/reduction_tile.hpp>

#include <algorithm>
#include <cstdint>

/// Long sums of few results are cut into parts, each a group's work, which a second kernel adds: otherwise most of a
/// device would have nothing to do. How many there are depends on the shapes and the number of samples, never on the
/// device, and so do the bits of the results.
namespace lockstep::grid {

/// Groups that fill a device: several for each of a hundred processors.
inline constexpr std::int64_t enough_groups = 1024;

/// The parts in which `groups` groups are cut that add `length` values each; `least` of them are worth a group.
constexpr std::int64_t parts_of(std::int64_t groups, std::int64_t length, std::int64_t least) {
    if (groups == 0) return 1;
    return std::max<std::int64_t>(1, std::min(enough_groups / groups, length / least));
}

/// No fewer than the values in all parts of so many results, of which a group has `width`; it never falls when there
/// are more results or they are longer, so memory for many samples does for few.
constexpr std::int64_t most_part_values(std::int64_t results, std::int64_t width, std::int64_t length,
                                        std::int64_t least) {
    return length < 2 * least ? 0 : std::min(enough_groups * width, results * (length / least));
}

/// Eight neighbours are what memory hands out at once; a narrow tile leaves many members for the parts.
template <class T, class Operation>
using parts_tile = reduction_tile<T, Operation, tile_extents{8, 32}, true>;

/// Combines the parts of results, [parts][results] in scratch memory, in the order of the parts. `Whole` says how many
/// there are for so many samples, results(samples) and parts(samples), and has store(call, result, value).
template <class T, class Operation, class Whole>
struct combine_parts : kernel_base<tile_extents::members, typename parts_tile<T, Operation>::shared_type> {
    using tile = parts_tile<T, Operation>;

    static constexpr std::int64_t units(call const& c) {
        return Whole::parts(c.samples) > 1 ? (Whole::results(c.samples) + tile::width - 1) / tile::width : 0;
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, auto& shared) {
        std::int64_t const results = Whole::results(c.samples);
        T const* const values = static_cast<T const*>(c.scratch);
        tile::run(
            unit * tile::width, results, 0, Whole::parts(c.samples), group, shared,
            [=](std::int64_t result) { return [=](std::int64_t part) { return values[part * results + result]; }; },
            [&c](std::int64_t result, T value) { Whole::store(c, result, value); });
    }
};

} // namespace lockstep::grid
