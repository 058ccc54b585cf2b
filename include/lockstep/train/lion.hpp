// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2), for the mean gradient g
/// of a batch and a parameter p:
///
///   u <- sign(beta1 m + (1 - beta1) g)
///   p <- p - learning_rate (u + weight_decay p)
///   m <- beta2 m + (1 - beta2) g
///
/// Every element moves by the whole learning rate, so a good one is 3 to 10 times smaller than Adam's.
struct lion {
    double learning_rate = 1e-4;
    double beta1 = 0.9;
    double beta2 = 0.99;
    double weight_decay = 0.0;

    /// Values kept for every parameter: m.
    static constexpr int states = 1;
    static constexpr char const* state_names[] = {"mean"};

    /// The formula for one element, with everything that is the same for all of them worked out.
    template <class T>
    struct rule {
        T rate, beta1, fresh1, beta2, fresh2, decay;

        constexpr T operator()(T parameter, T gradient, T& mean) const {
            T const direction = beta1 * mean + fresh1 * gradient;
            T const sign = (direction > T{} ? T{1} : T{}) - (direction < T{} ? T{1} : T{});
            mean = beta2 * mean + fresh2 * gradient;
            return parameter - rate * (sign + decay * parameter);
        }
    };

    /// `step` counts from 0.
    template <class T>
    constexpr rule<T> rule_for(std::uint64_t step) const {
        double const remembers = step == 0 ? 0.0 : 1.0;
        return {static_cast<T>(learning_rate),   static_cast<T>(remembers * beta1), static_cast<T>(1.0 - beta1),
                static_cast<T>(remembers * beta2), static_cast<T>(1.0 - beta2),     static_cast<T>(weight_decay)};
    }
};

} // namespace lockstep
