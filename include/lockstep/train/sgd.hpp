// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// Stochastic gradient descent as PyTorch's SGD, for the mean gradient g of a batch and a parameter p:
///
///   g <- g + weight_decay p
///   v <- momentum v + (1 - dampening) g        (v <- g in the first step)
///   p <- p - learning_rate d,   d = v, or g + momentum v with nesterov, or g without momentum
struct sgd {
    double learning_rate = 0.001;
    double momentum = 0.0;
    double dampening = 0.0;
    double weight_decay = 0.0;
    bool nesterov = false;

    /// Values kept for every parameter: v.
    static constexpr int states = 1;
    static constexpr char const* state_names[] = {"momentum"};

    /// The formula for one element, with everything that is the same for all of them worked out.
    template <class T>
    struct rule {
        T rate, momentum, fresh, decay, from_gradient, from_velocity;

        constexpr T operator()(T parameter, T gradient, T& velocity) const {
            T const g = gradient + decay * parameter;
            T const v = momentum * velocity + fresh * g;
            velocity = v;
            return parameter - rate * (from_gradient * g + from_velocity * v);
        }
    };

    /// `step` counts from 0.
    template <class T>
    constexpr rule<T> rule_for(std::uint64_t step) const {
        bool const moving = momentum != 0.0;
        return {static_cast<T>(learning_rate),
                static_cast<T>(step == 0 ? 0.0 : momentum),
                static_cast<T>(step == 0 ? 1.0 : 1.0 - dampening),
                static_cast<T>(weight_decay),
                static_cast<T>(!moving || nesterov ? 1.0 : 0.0),
                static_cast<T>(!moving ? 0.0 : (nesterov ? momentum : 1.0))};
    }
};

} // namespace lockstep
