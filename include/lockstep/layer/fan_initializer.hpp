// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/layer/initializer.hpp>

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

namespace lockstep {

/// How much larger a layer's weights are for the nonlinearity behind it, torch.nn.init.calculate_gain.
namespace gain {

/// The square root of x > 0, at compile time, by Newton's iteration from above.
constexpr double square_root(double x) {
    double root = x > 1.0 ? x : 1.0;
    for (double next = 0.5 * (root + x / root); next < root; next = 0.5 * (root + x / root)) root = next;
    return root;
}

inline constexpr double linear = 1.0;
inline constexpr double sigmoid = 1.0;
inline constexpr double tanh = 5.0 / 3.0;
inline constexpr double relu = square_root(2.0);
inline constexpr double selu = 0.75;
constexpr double leaky_relu(double slope) { return square_root(2.0 / (1.0 + slope * slope)); }

} // namespace gain

namespace initializer {

/// Which way a kaiming initializer keeps the variance: of activations forward, or of gradients backward.
enum class fan { in, out };

/// The inputs that one output of a weight of PyTorch's shape [out, in, window...] has, and the outputs of an input.
struct fans {
    double in = 0.0;
    double out = 0.0;
};

/// Throws usage_error for a shape of fewer than two axes, such as a bias.
inline fans fans_of(extents const& shape) {
    if (shape.rank < 2)
        throw usage_error("initializer: fan in and fan out need a parameter of at least two axes, found " +
                          std::to_string(shape.rank));
    std::int64_t window = 1;
    for (int axis = 2; axis < shape.rank; ++axis) window *= shape.extent[axis];
    return {static_cast<double>(shape.extent[1] * window), static_cast<double>(shape.extent[0] * window)};
}

namespace detail {

template <fan Fan, double Gain>
double kaiming_deviation(extents const& shape) {
    fans const both = fans_of(shape);
    return Gain / std::sqrt(Fan == fan::in ? both.in : both.out);
}

template <double Gain>
double xavier_deviation(extents const& shape) {
    fans const both = fans_of(shape);
    return Gain * std::sqrt(2.0 / (both.in + both.out));
}

} // namespace detail

/// Glorot and Bengio 2010, xavier_uniform_: uniform within Gain sqrt(6 / (fan in + fan out)).
template <double Gain = gain::linear>
struct xavier_uniform {
    static void fill(std::span<double> values, extents const& shape, philox_key key) {
        fill_uniform(values, std::sqrt(3.0) * detail::xavier_deviation<Gain>(shape), key);
    }
};

/// xavier_normal_: the standard deviation is Gain sqrt(2 / (fan in + fan out)).
template <double Gain = gain::linear>
struct xavier_normal {
    static void fill(std::span<double> values, extents const& shape, philox_key key) {
        fill_normal(values, 0.0, detail::xavier_deviation<Gain>(shape), key);
    }
};

/// He et al. 2015, kaiming_uniform_: uniform within Gain sqrt(3 / fan).
template <fan Fan = fan::in, double Gain = gain::relu>
struct kaiming_uniform {
    static void fill(std::span<double> values, extents const& shape, philox_key key) {
        fill_uniform(values, std::sqrt(3.0) * detail::kaiming_deviation<Fan, Gain>(shape), key);
    }
};

/// kaiming_normal_: the standard deviation is Gain / sqrt(fan).
template <fan Fan = fan::in, double Gain = gain::relu>
struct kaiming_normal {
    static void fill(std::span<double> values, extents const& shape, philox_key key) {
        fill_normal(values, 0.0, detail::kaiming_deviation<Fan, Gain>(shape), key);
    }
};

} // namespace initializer

} // namespace lockstep
