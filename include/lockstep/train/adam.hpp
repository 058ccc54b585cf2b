// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/root.hpp>

#include <cmath>
#include <cstdint>

namespace lockstep {

namespace detail {

/// The formula of Adam and its kin for one element, with everything that is the same for all of them worked out.
template <class T>
struct adam_rule {
    /// learning_rate / (1 - beta1^t) and 1 / sqrt(1 - beta2^t).
    T rate, correction;
    T beta1, fresh1, beta2, fresh2;
    /// 0 in the first step, in which states count as 0 whatever they are.
    T remembers;
    T epsilon;
    /// What of the parameter is added to the gradient, and what is left of it: weight decay in its two forms.
    T decay, kept;

    constexpr T operator()(T parameter, T gradient, T& mean, T& square) const {
        accumulate(parameter, gradient, mean, square);
        return moved(parameter, mean, square);
    }
    constexpr T operator()(T parameter, T gradient, T& mean, T& square, T& largest) const {
        accumulate(parameter, gradient, mean, square);
        T const before = remembers * largest;
        largest = before < square ? square : before;
        return moved(parameter, mean, largest);
    }

private:
    constexpr void accumulate(T parameter, T gradient, T& mean, T& square) const {
        T const g = gradient + decay * parameter;
        mean = beta1 * mean + fresh1 * g;
        square = beta2 * square + fresh2 * (g * g);
    }
    constexpr T moved(T parameter, T mean, T square) const {
        return kept * parameter - rate * (mean / (math::sqrt(square) * correction + epsilon));
    }
};

/// `coupled`: the part of weight decay that goes through the gradient; `decoupled`: the part that does not.
template <class T, class Optimizer>
adam_rule<T> adam_rule_for(Optimizer const& o, std::uint64_t step, double coupled, double decoupled) {
    auto const t = static_cast<double>(step + 1);
    double const remembers = step == 0 ? 0.0 : 1.0;
    adam_rule<T> rule;
    rule.rate = static_cast<T>(o.learning_rate / (1.0 - std::pow(o.beta1, t)));
    rule.correction = static_cast<T>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, t)));
    rule.beta1 = static_cast<T>(remembers * o.beta1);
    rule.fresh1 = static_cast<T>(1.0 - o.beta1);
    rule.beta2 = static_cast<T>(remembers * o.beta2);
    rule.fresh2 = static_cast<T>(1.0 - o.beta2);
    rule.remembers = static_cast<T>(remembers);
    rule.epsilon = static_cast<T>(o.epsilon);
    rule.decay = static_cast<T>(coupled);
    rule.kept = static_cast<T>(1.0 - o.learning_rate * decoupled);
    return rule;
}

} // namespace detail

/// Adam (Kingma and Ba 2015) as PyTorch's, for the mean gradient g of a batch, a parameter p and t = 1, 2, ...:
///
///   g <- g + weight_decay p
///   m <- beta1 m + (1 - beta1) g
///   v <- beta2 v + (1 - beta2) g^2
///   p <- p - learning_rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon)
struct adam {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.0;

    /// Values kept for every parameter: m and v.
    static constexpr int states = 2;
    static constexpr char const* state_names[] = {"mean", "square"};

    template <class T>
    using rule = detail::adam_rule<T>;

    /// `step` counts from 0.
    template <class T>
    rule<T> rule_for(std::uint64_t step) const {
        return detail::adam_rule_for<T>(*this, step, weight_decay, 0.0);
    }
};

/// Adam that divides by the largest v so far (Reddi, Kale and Kumar 2018), as PyTorch's Adam with amsgrad.
struct amsgrad {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.0;

    /// Values kept for every parameter: m, v and the largest v.
    static constexpr int states = 3;
    static constexpr char const* state_names[] = {"mean", "square", "largest_square"};

    template <class T>
    using rule = detail::adam_rule<T>;

    /// `step` counts from 0.
    template <class T>
    rule<T> rule_for(std::uint64_t step) const {
        return detail::adam_rule_for<T>(*this, step, weight_decay, 0.0);
    }
};

/// Adam with weight decay past the gradient (Loshchilov and Hutter 2019), as PyTorch's AdamW: adam's formulas
/// without decay in g, behind
///
///   p <- p - learning_rate weight_decay p
struct adamw {
    double learning_rate = 0.001;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;

    /// Values kept for every parameter: m and v.
    static constexpr int states = 2;
    static constexpr char const* state_names[] = {"mean", "square"};

    template <class T>
    using rule = detail::adam_rule<T>;

    /// `step` counts from 0.
    template <class T>
    rule<T> rule_for(std::uint64_t step) const {
        return detail::adam_rule_for<T>(*this, step, 0.0, weight_decay);
    }
};

} // namespace lockstep
