// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math.hpp>
#include <lockstep/expression/operators.hpp>

#include <numbers>

namespace lockstep::function {

struct exp {
    static constexpr char const* name = "exp";
    static constexpr auto apply(auto x) { return math::exp(x); }
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream * y;
    }
};

struct expm1 {
    static constexpr char const* name = "expm1";
    static constexpr auto apply(auto x) { return math::expm1(x); }
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream * (y + number<1.0>);
    }
};

struct log {
    static constexpr char const* name = "log";
    static constexpr auto apply(auto x) { return math::log(x); }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream / x;
    }
};

struct log1p {
    static constexpr char const* name = "log1p";
    static constexpr auto apply(auto x) { return math::log1p(x); }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream / (number<1.0> + x);
    }
};

struct tanh {
    static constexpr char const* name = "tanh";
    static constexpr auto apply(auto x) { return math::tanh(x); }
    // d tanh(x)/dx = 1 - tanh(x)^2 reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream * (number<1.0> - y * y);
    }
};

struct sigmoid {
    static constexpr char const* name = "sigmoid";
    static constexpr auto apply(auto x) { return math::sigmoid(x); }
    // d s(x)/dx = s(x) (1 - s(x)) reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream * (y * (number<1.0> - y));
    }
};

struct softplus {
    static constexpr char const* name = "softplus";
    static constexpr auto apply(auto x) { return math::softplus(x); }
    // d log(1 + e^x)/dx = 1 - e^-y reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return -(upstream * lockstep::expm1(-y));
    }
};

struct erf {
    static constexpr char const* name = "erf";
    static constexpr auto apply(auto x) { return math::erf(x); }
    // d erf(x)/dx = 2 / sqrt(pi) e^(-x^2)
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream * (number<2.0 * std::numbers::inv_sqrtpi> * lockstep::exp(-(x * x)));
    }
};

struct sin {
    static constexpr char const* name = "sin";
    static auto apply(auto x) { return math::sin(x); }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream * lockstep::cos(x);
    }
};

struct cos {
    static constexpr char const* name = "cos";
    static auto apply(auto x) { return math::cos(x); }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return -(upstream * lockstep::sin(x));
    }
};

} // namespace lockstep::function
