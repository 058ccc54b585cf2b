// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/layer.hpp>

#include <numbers>

namespace lockstep {

// Elementwise layers, which take any shape. Within a forward expression they are functions: relu{}(x). Values,
// gradients and what comes of infinities and NaN are PyTorch's.

/// max(x, 0).
struct relu {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::relu, X>{};
    }
};

/// min(max(x, 0), 6).
struct relu6 {
    constexpr auto operator()(expression auto x) const {
        constexpr auto zero = number<0.0>;
        constexpr auto six = number<6.0>;
        // Not clamp, whose gradient passes at the bounds.
        return where(less_equal(x, zero), zero, where(greater_equal(x, six), six, x));
    }
};

/// x right of 0, Slope x left of it.
template <double Slope = 0.01>
struct leaky_relu {
    constexpr auto operator()(expression auto x) const {
        return where(greater(x, number<0.0>), x, number<Slope> * x);
    }
};

/// x right of 0, Alpha (e^x - 1) left of it (Clevert, Unterthiner and Hochreiter 2015).
template <double Alpha = 1.0>
struct elu {
    constexpr auto operator()(expression auto x) const {
        // The exponential is kept from what is right of 0, where its slope overflows.
        auto const left = where(greater(x, number<0.0>), number<0.0>, x);
        return relu{}(x) + number<Alpha> * expm1(left);
    }
};

/// x Phi(x), Phi the distribution function of the normal distribution (Hendrycks and Gimpel 2016).
struct gelu {
    constexpr auto operator()(expression auto x) const {
        return number<0.5> * x * (number<1.0> + erf(x * number<std::numbers::sqrt2 / 2.0>));
    }
};

struct sigmoid {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::sigmoid, X>{};
    }
};

struct tanh {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::tanh, X>{};
    }
};

/// gelu with Phi(x) approximated by (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2: PyTorch's approximate='tanh'.
struct gelu_tanh {
    constexpr auto operator()(expression auto x) const {
        constexpr double sqrt_2_over_pi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
        auto const inner = number<sqrt_2_over_pi> * (x + number<0.044715> * (x * x * x));
        return number<0.5> * x * (number<1.0> + tanh{}(inner));
    }
};

/// x sigmoid(x), also called swish (Ramachandran, Zoph and Le 2017).
struct silu {
    constexpr auto operator()(expression auto x) const { return x * sigmoid{}(x); }
};

/// log(1 + e^x), and x itself from 20 on: PyTorch's with its default beta and threshold.
struct softplus {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::softplus, X>{};
    }
};

/// x tanh(softplus(x)) (Misra 2019).
struct mish {
    constexpr auto operator()(expression auto x) const { return x * tanh{}(softplus{}(x)); }
};

/// min(max(x + 3, 0), 6) / 6.
struct hardsigmoid {
    constexpr auto operator()(expression auto x) const { return relu6{}(x + number<3.0>) / number<6.0>; }
};

/// x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019).
struct hardswish {
    constexpr auto operator()(expression auto x) const {
        return x * clamp(x + number<3.0>, number<0.0>, number<6.0>) / number<6.0>;
    }
};

} // namespace lockstep
