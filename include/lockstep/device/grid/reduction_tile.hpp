// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/walk.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace lockstep::grid {

/// How the 256 members of a group divide a reduction among themselves: Width results at once, Height members for each,
/// whose parts are combined as a tree.
struct tile_extents {
    int width, height;

    static constexpr int members = 256;

    /// `length` values for each of many results, or any_extent, of which `contiguous` lie next to each other: a member
    /// has at least about four values, which it asks for at once.
    static constexpr tile_extents across(std::int64_t contiguous, std::int64_t length) {
        return of_height(std::min<std::int64_t>(members / power_of_2(contiguous, 32), height_for(length)));
    }
    /// The values of each result lie next to each other.
    static constexpr tile_extents along(std::int64_t length) { return of_height(height_for(length)); }

private:
    static constexpr std::int64_t power_of_2(std::int64_t count, std::int64_t most) {
        if (count == any_extent || count > most) return most;
        return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(count)));
    }
    static constexpr std::int64_t height_for(std::int64_t length) { return power_of_2((length + 3) / 4, members); }
    static constexpr tile_extents of_height(std::int64_t height) {
        return {static_cast<int>(members / height), static_cast<int>(height)};
    }
};

/// Reduces `Tile.width` results. Members next to each other have neighbouring results if Across, else neighbouring
/// values of one result.
template <class T, class Operation, tile_extents Tile, bool Across>
struct reduction_tile {
    static constexpr int width = Tile.width, height = Tile.height;

    struct shared_type {
        T values[width * height];
    };

    /// Of the results first, first + 1, ..., those below `results`: values_of(result)(i) for i from `begin` to
    /// `end` - 1, combined, go to store(result, value).
    static constexpr void run(std::int64_t first, std::int64_t results, std::int64_t begin, std::int64_t end,
                              auto const& group, shared_type& shared, auto const& values_of, auto const& store) {
        T* const values = shared.values;
        group.phase([&](int member) {
            int const x = Across ? member % width : member / height, y = Across ? member / width : member % height;
            values[y * width + x] =
                first + x < results ? total(values_of(first + x), begin + y, end) : Operation::template start<T>;
        });
        for (int rest = height / 2; rest > 0; rest /= 2)
            group.phase([&](int member) {
                if (member < rest * width)
                    values[member] = Operation::combine(values[member], values[member + rest * width]);
            });
        group.phase([&](int member) {
            if (member < width && first + member < results) store(first + member, values[member]);
        });
    }

private:
    /// Every height-th value. Four at a time without a branch, so that as many are on their way from memory.
    static constexpr T total(auto const& value, std::int64_t begin, std::int64_t end) {
        constexpr int at_once = 4;
        constexpr T start = Operation::template start<T>;
        T parts[at_once] = {start, start, start, start};
        std::int64_t i = begin;
        for (; i + (at_once - 1) * height < end; i += at_once * height)
            for (int j = 0; j < at_once; ++j) parts[j] = Operation::combine(parts[j], value(i + j * height));
        for (int j = 0; j + 1 < at_once; ++j)
            if (i + j * height < end) parts[j] = Operation::combine(parts[j], value(i + j * height));
        return Operation::combine(Operation::combine(parts[0], parts[1]), Operation::combine(parts[2], parts[3]));
    }
};

} // namespace lockstep::grid
