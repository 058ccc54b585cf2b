// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/larger.hpp>

#include <limits>

namespace lockstep {

/// How a reduction combines two values, or each pair of two vectors', and what it starts with.
struct add_values {
    template <class T>
    static constexpr T start = T(0);
    template <class T>
    static constexpr T combine(T a, T b) {
        return a + b;
    }
};
struct larger_value {
    template <class T>
    static constexpr T start = -std::numeric_limits<T>::infinity();
    template <class T>
    static constexpr T combine(T a, T b) {
        return larger_or_nan(a, b);
    }
};

} // namespace lockstep
