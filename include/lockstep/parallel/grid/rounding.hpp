// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/call.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/program/storage.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

/// What stands in one format on a host, or at the optimizer, and rounded where operations read it.
namespace lockstep::grid {

/// Parameters rounded to where operations read them.
template <class T, class Rounded>
struct round_parameters : kernel_base<1> {
    struct argument {
        T const* exact = nullptr;
        Rounded* rounded = nullptr;
        std::int64_t count = 0;
    };
    static constexpr std::int64_t units(argument const& a) { return a.count; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        a.rounded[unit] = a.exact[unit];
    }
};

/// What rounded values are: void where none are.
template <class T, class Storage>
struct rounded_in {
    using type = void;
};
template <class T, leaf_content Format>
struct rounded_in<T, stored_rounded<Format>> {
    using type = typename stored_content<T, Format>::type;
};

/// Samples and results in a program's memory: numbers are rounded where values are, class indices never.
template <class T, class Storage>
using as_in_program =
    typename stored_content<T, std::is_floating_point_v<T> ? Storage::rounded : leaf_content::number>::type;

/// Elements of the host's memory as a program stores them, S: where they are, or in a copy.
template <class S, class T>
auto as_stored(std::span<T const> elements) {
    if constexpr (std::is_same_v<S, T>) return elements;
    else {
        std::vector<S> copy(elements.size());
        std::ranges::copy(elements, copy.begin());
        return copy;
    }
}

/// The same, to a place of the host's memory from which devices copy.
template <class S, class T>
void put_as_stored(std::byte* to, T const* from, std::int64_t count) {
    if constexpr (std::is_same_v<S, T>) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
    else std::copy_n(from, count, reinterpret_cast<S*>(to));
}

} // namespace lockstep::grid
