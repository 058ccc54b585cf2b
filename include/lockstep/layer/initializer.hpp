// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/shape/shape.hpp>

#include <cmath>
#include <cstdint>
#include <span>

namespace lockstep {

/// The random numbers of one parameter: a seed's parameters have a sequence each.
constexpr philox_key parameter_key(seed s, int parameter) {
    auto const bits = philox({static_cast<std::uint32_t>(parameter), 0, 0, 0x706172u}, make_key(s.value));
    return {bits[0], bits[1]};
}

/// How a parameter's values start. An initializer is a type with a static function `fill(values, shape, key)`:
/// the values in PyTorch's order, the shape that PyTorch would print, and the key of this parameter's random
/// numbers. It runs in double precision, whatever the model's element type.
namespace initializer {

/// Uniform in [-Bound, Bound).
inline void fill_uniform(std::span<double> values, double bound, philox_key key) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        auto const bits = philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), 0, 0}, key);
        values[i] = (2.0 * uniform(bits[0], bits[1]) - 1.0) * bound;
    }
}

/// He et al. 2015 with the slope sqrt(5) that PyTorch gives Linear and Conv2d, for which the bound
/// sqrt(6 / ((1 + 5) fan_in)) is 1 / sqrt(fan_in); their biases start within the same bound.
template <int FanIn>
struct kaiming_uniform {
    static void fill(std::span<double> values, extents const&, philox_key key) {
        fill_uniform(values, 1.0 / std::sqrt(static_cast<double>(FanIn)), key);
    }
};

} // namespace initializer

} // namespace lockstep
