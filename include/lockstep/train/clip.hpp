// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep {

/// How a trainer bounds the mean gradient before its optimizer reads it. A clip has `needs_norm`, whether it depends
/// on the norm of the whole gradient, and `function_for<T>(norm)`, what it makes of one element.

/// Gradients as they are.
struct no_clip {
    static constexpr bool needs_norm = false;
    template <class T>
    constexpr auto function_for(double) const {
        return [](T gradient) { return gradient; };
    }
};

/// Every element in [-max, max], as torch.nn.utils.clip_grad_value_.
struct clip_value {
    double max = 1.0;

    static constexpr bool needs_norm = false;
    template <class T>
    constexpr auto function_for(double) const {
        T const bound = static_cast<T>(max);
        return [bound](T gradient) { return gradient < -bound ? -bound : gradient > bound ? bound : gradient; };
    }
};

/// The gradient times min(1, max / (norm + 1e-6)), its norm the square root of the sum of squares over all elements
/// of all parameters, as torch.nn.utils.clip_grad_norm_ (Pascanu, Mikolov and Bengio 2013). A max of infinity
/// measures the norm and clips nothing.
struct clip_norm {
    double max = 1.0;

    static constexpr bool needs_norm = true;
    template <class T>
    constexpr auto function_for(double norm) const {
        double const coefficient = max / (norm + 1e-6);
        // A norm that is no number stays visible.
        T const factor = static_cast<T>(coefficient > 1.0 ? 1.0 : coefficient);
        return [factor](T gradient) { return factor * gradient; };
    }
};

namespace detail {

/// An optimizer's formula behind a clip.
template <class Clip, class Rule>
struct clipped_rule {
    Clip clip;
    Rule rule;

    template <class T>
    constexpr T operator()(T parameter, T gradient, auto&... states) const {
        return rule(parameter, clip(gradient), states...);
    }
};
template <class Clip, class Rule>
clipped_rule(Clip, Rule) -> clipped_rule<Clip, Rule>;

/// Elements whose squares are one partial sum, in whatever replica: the sum over all depends on nothing else.
inline constexpr std::int64_t norm_block = 4096;

constexpr std::int64_t norm_blocks(std::int64_t elements) { return (elements + norm_block - 1) / norm_block; }

/// The sum of squares, of a multiple of 16 elements, in 16 sums side by side.
template <class T>
double sum_of_squares(std::span<T const> values) {
    constexpr std::size_t lanes = 16;
    std::array<double, lanes> sums{};
    for (std::size_t first = 0; first < values.size(); first += lanes)
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            auto const value = static_cast<double>(values[first + lane]);
            sums[lane] += value * value;
        }
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
        for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    return sums[0];
}

} // namespace detail

} // namespace lockstep
