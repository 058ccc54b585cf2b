// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/transform/transform.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace lockstep::detail {

/// Samples that transforms of images take: channels, height and width, of numbers or of bytes.
template <class View>
inline constexpr bool is_image = View::sample_shape::rank == 3 && (std::same_as<typename View::element, float> ||
                                                                   std::same_as<typename View::element, std::uint8_t>);

/// What stands for white: numbers go from 0 to 1, bytes to 255.
template <class Element>
inline constexpr float brightest = std::same_as<Element, std::uint8_t> ? 255.0F : 1.0F;

/// A number as an element: bytes are rounded, and end where they end.
template <class Element>
constexpr Element as_element(float value) {
    if constexpr (std::same_as<Element, std::uint8_t>)
        return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
    else return value;
}

} // namespace lockstep::detail
