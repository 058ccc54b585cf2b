// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/root.hpp>

#include <cstdint>

namespace lockstep {

/// Adagrad (Duchi, Hazan and Singer 2011) as PyTorch's, for the mean gradient g of a batch, a parameter p and
/// t = 1, 2, ...:
///
///   g <- g + weight_decay p
///   s <- s + g^2                           (from initial_sum)
///   p <- p - learning_rate / (1 + (t - 1) rate_decay) g / (sqrt(s) + epsilon)
struct adagrad {
    double learning_rate = 0.01;
    /// PyTorch's lr_decay.
    double rate_decay = 0.0;
    double epsilon = 1e-10;
    double weight_decay = 0.0;
    /// PyTorch's initial_accumulator_value.
    double initial_sum = 0.0;

    /// Values kept for every parameter: s.
    static constexpr int states = 1;
    static constexpr char const* state_names[] = {"sum"};

    /// The formula for one element, with everything that is the same for all of them worked out.
    template <class T>
    struct rule {
        T rate, epsilon, decay, remembers, start;

        constexpr T operator()(T parameter, T gradient, T& sum) const {
            T const g = gradient + decay * parameter;
            sum = remembers * sum + start + g * g;
            return parameter - rate * (g / (math::sqrt(sum) + epsilon));
        }
    };

    /// `step` counts from 0.
    template <class T>
    constexpr rule<T> rule_for(std::uint64_t step) const {
        return {static_cast<T>(learning_rate / (1.0 + static_cast<double>(step) * rate_decay)),
                static_cast<T>(epsilon),
                static_cast<T>(weight_decay),
                static_cast<T>(step == 0 ? 0.0 : 1.0),
                static_cast<T>(step == 0 ? initial_sum : 0.0)};
    }
};

} // namespace lockstep
