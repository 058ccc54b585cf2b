// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep::detail {

/// What numbers a type holds, for errors: "an integer from 0 to 255".
template <class T>
std::string range_text() {
    if constexpr (std::integral<T>)
        return "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
               std::to_string(std::numeric_limits<T>::max());
    else return "a number within the range of a " + std::string{std::is_same_v<T, float> ? "float" : "double"};
}

/// Converts a number, and returns whether `To` can hold it: rounded to the nearest where it is a floating-point type,
/// exactly where it is an integer.
template <class From, class To>
bool convert(From from, To& to) {
    if constexpr (std::floating_point<To>) {
        to = static_cast<To>(from);
        if constexpr (std::floating_point<From> && sizeof(From) > sizeof(To))
            return std::isfinite(to) || !std::isfinite(from);
        else return true;
    } else if constexpr (std::integral<From>) {
        to = static_cast<To>(from);
        return std::in_range<To>(from);
    } else {
        // Bounds that From holds exactly: a power of two beyond the largest value of To, and its negative or zero.
        auto const end = std::ldexp(From{1}, std::numeric_limits<To>::digits);
        auto const begin = std::is_signed_v<To> ? -end : From{0};
        if (!(from >= begin && from < end) || std::trunc(from) != from) return false;
        to = static_cast<To>(from);
        return true;
    }
}

} // namespace lockstep::detail
