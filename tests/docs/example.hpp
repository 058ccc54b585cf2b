// SPDX-License-Identifier: MIT
// What the examples of docs/reference may use without saying so.
#pragma once

#include <lockstep/lockstep.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <source_location>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace ls = lockstep;

/// A statement of an example that must hold.
inline void expect(bool holds, std::source_location at = std::source_location::current()) {
    INFO(std::string(at.file_name()), ":", at.line());
    CHECK(holds);
}

/// Whether elements are these numbers, but for rounding.
template <class Elements>
bool near(Elements const& elements, std::vector<double> const& numbers) {
    return std::ranges::equal(elements, numbers, [](double a, double b) {
        return std::abs(a - b) < 1e-5 * (1 + std::abs(b));
    });
}
inline bool near(double element, double number) { return near(std::array{element}, {number}); }
