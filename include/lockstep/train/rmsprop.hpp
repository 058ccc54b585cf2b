// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/root.hpp>

#include <cmath>
#include <cstdint>

namespace lockstep {

/// RMSprop (Hinton 2012; centered: Graves 2013) as PyTorch's, for the mean gradient g of a batch and a parameter p:
///
///   g <- g + weight_decay p
///   s <- alpha s + (1 - alpha) g^2
///   a <- alpha a + (1 - alpha) g           (with centered; else a = 0)
///   b <- momentum b + g / (sqrt(s - a^2) + epsilon)
///   p <- p - learning_rate b
///
/// Where rounding leaves s below a^2, the magnitude of s - a^2 counts; PyTorch's root is then NaN.
struct rmsprop {
    double learning_rate = 0.01;
    double alpha = 0.99;
    double epsilon = 1e-8;
    double momentum = 0.0;
    bool centered = false;
    double weight_decay = 0.0;

    /// Values kept for every parameter: s, a and b.
    static constexpr int states = 3;
    static constexpr char const* state_names[] = {"square", "mean", "momentum"};

    /// The formula for one element, with everything that is the same for all of them worked out.
    template <class T>
    struct rule {
        T rate, alpha, fresh_square, fresh_mean, epsilon, momentum, decay;

        constexpr T operator()(T parameter, T gradient, T& square, T& mean, T& velocity) const {
            T const g = gradient + decay * parameter;
            square = alpha * square + fresh_square * (g * g);
            mean = alpha * mean + fresh_mean * g;
            velocity = momentum * velocity + g / (math::sqrt(std::abs(square - mean * mean)) + epsilon);
            return parameter - rate * velocity;
        }
    };

    /// `step` counts from 0.
    template <class T>
    constexpr rule<T> rule_for(std::uint64_t step) const {
        double const remembers = step == 0 ? 0.0 : 1.0;
        return {static_cast<T>(learning_rate),
                static_cast<T>(remembers * alpha),
                static_cast<T>(1.0 - alpha),
                static_cast<T>(centered ? 1.0 - alpha : 0.0),
                static_cast<T>(epsilon),
                static_cast<T>(remembers * momentum),
                static_cast<T>(weight_decay)};
    }
};

} // namespace lockstep
