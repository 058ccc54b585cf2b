// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace lockstep::detail {

/// Values of a vector as constant data, which cannot be a vector: what a constant evaluation allocates cannot outlive it.
template <class T, std::size_t Room>
struct values_within {
    std::array<T, Room> values{};
    /// How many they are; where that is more than there is room for, none is kept.
    std::size_t count = 0;

    constexpr explicit values_within(std::vector<T> const& all) : count(all.size()) {
        for (std::size_t i = 0; count <= Room && i < count; ++i) values[i] = all[i];
    }
    constexpr std::span<T const> all() const { return {values.data(), count}; }
    /// In no more room than they need.
    template <std::size_t Count>
    constexpr std::array<T, Count> first() const {
        std::array<T, Count> result{};
        std::copy_n(values.begin(), Count, result.begin());
        return result;
    }
};

} // namespace lockstep::detail
