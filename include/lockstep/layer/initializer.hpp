// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/philox.hpp>
#include <lockstep/expression/seed.hpp>
#include <lockstep/layer/normal_quantile.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep {

/// The random numbers of one parameter: a seed's parameters have a sequence each.
constexpr philox_key parameter_key(seed s, int parameter) {
    auto const bits = philox({static_cast<std::uint32_t>(parameter), 0, 0, 0x706172u}, make_key(s.value));
    return {bits[0], bits[1]};
}

/// An option of layers: the initializer of their parameter Tag in place of PyTorch's.
///
///   linear<10, initialized<weight, initializer::xavier_uniform<>>, initialized<bias, initializer::zeros>>
template <class Tag, class Initializer>
struct initialized {};

/// How a parameter's values start. An initializer is a type with a static function `fill(values, shape, key)`:
/// the values in PyTorch's order, the shape that PyTorch would print, and the key of this parameter's random
/// numbers. It runs in double precision, whatever the model's element type.
namespace initializer {

/// value(u) for each element, u uniform in [0, 1).
template <class Value>
void fill_random(std::span<double> values, philox_key key, Value const& value) {
    for (std::size_t i = 0; i < values.size(); ++i) {
        auto const bits = philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), 0, 0}, key);
        values[i] = value(lockstep::uniform(bits[0], bits[1]));
    }
}

/// Uniform in [-bound, bound).
inline void fill_uniform(std::span<double> values, double bound, philox_key key) {
    fill_random(values, key, [bound](double u) { return (2.0 * u - 1.0) * bound; });
}

/// Normally distributed, by the inverse of the distribution function: one number an element.
inline void fill_normal(std::span<double> values, double mean, double deviation, philox_key key) {
    // The quantile of 0 is infinite; its next one is 2^-53.
    fill_random(values, key, [=](double u) { return mean + deviation * normal_quantile(std::max(u, 0x1p-54)); });
}

/// Every element the same.
template <double Value>
struct constant {
    static void fill(std::span<double> values, extents const&, philox_key) { std::ranges::fill(values, Value); }
};
using zeros = constant<0.0>;
using ones = constant<1.0>;

/// Uniform in [Low, High), PyTorch's uniform_.
template <double Low = 0.0, double High = 1.0>
struct uniform {
    static_assert(Low < High, "a uniform distribution's bounds ascend");
    static void fill(std::span<double> values, extents const&, philox_key key) {
        fill_random(values, key, [](double u) { return Low + (High - Low) * u; });
    }
};

/// PyTorch's normal_.
template <double Mean = 0.0, double Deviation = 1.0>
struct normal {
    static_assert(Deviation >= 0.0, "a standard deviation is not negative");
    static void fill(std::span<double> values, extents const&, philox_key key) {
        fill_normal(values, Mean, Deviation, key);
    }
};

/// The normal distribution within [Low, High], PyTorch's trunc_normal_: Low and High are values, not multiples of
/// the deviation.
template <double Mean = 0.0, double Deviation = 1.0, double Low = -2.0, double High = 2.0>
struct truncated_normal {
    static_assert(Low < High, "a truncated distribution's bounds ascend");
    static_assert(Deviation > 0.0, "a truncated distribution has a standard deviation above 0");
    static void fill(std::span<double> values, extents const&, philox_key key) {
        double const low = normal_distribution((Low - Mean) / Deviation);
        double const high = normal_distribution((High - Mean) / Deviation);
        fill_random(values, key, [=](double u) {
            return std::clamp(Mean + Deviation * normal_quantile(low + (high - low) * u), Low, High);
        });
    }
};

/// Uniform within 1 / sqrt(FanIn), as PyTorch's Linear and Conv2d start with their weights and biases: He et al.
/// 2015 with the slope sqrt(5), for which the bound sqrt(6 / ((1 + 5) FanIn)) is that.
template <int FanIn>
struct fan_in_uniform {
    static void fill(std::span<double> values, extents const&, philox_key key) {
        fill_uniform(values, 1.0 / std::sqrt(static_cast<double>(FanIn)), key);
    }
};

} // namespace initializer

namespace detail {

template <class Tag, class Default, class... Options>
struct initializer_from {
    using type = Default;
};
template <class Tag, class Default, class Initializer, class... Rest>
struct initializer_from<Tag, Default, initialized<Tag, Initializer>, Rest...> {
    using type = Initializer;
};
template <class Tag, class Default, class First, class... Rest>
struct initializer_from<Tag, Default, First, Rest...> : initializer_from<Tag, Default, Rest...> {};

} // namespace detail

/// The initializer of a layer's parameter: what its options say, or its default.
template <class Tag, class Default, class... Options>
using initializer_from = typename detail::initializer_from<Tag, Default, Options...>::type;

} // namespace lockstep
