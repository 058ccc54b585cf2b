// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/parameter.hpp>

#include <concepts>

namespace lockstep {

/// Options of normalizing layers. What is added to a variance before its root is taken; 1e-5 without it.
template <double Value>
struct epsilon {
    static_assert(Value >= 0.0, "epsilon is not negative");
};
/// How much of a batch's statistics running ones take over; 0.1 without it.
template <double Value>
struct momentum {};
/// Neither scale nor bias follow.
struct no_affine {};

namespace detail {

struct normalization_settings {
    double epsilon = 1e-5;
    double momentum = 0.1;
    bool affine = true;

    template <double Value>
    constexpr void set(lockstep::epsilon<Value>) {
        epsilon = Value;
    }
    template <double Value>
    constexpr void set(lockstep::momentum<Value>) {
        momentum = Value;
    }
    constexpr void set(no_affine) { affine = false; }
    /// An option that concerns something else.
    constexpr void set(...) {}
};

template <class... Options>
inline constexpr normalization_settings normalization_settings_of = [] {
    normalization_settings settings;
    (settings.set(Options{}), ...);
    return settings;
}();

} // namespace detail

} // namespace lockstep
