// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math.hpp>
#include <lockstep/expression/operators.hpp>

namespace lockstep::function {

struct add {
    static constexpr char const* name = "add";
    static constexpr auto apply(auto a, auto b) { return a + b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto) {
        return upstream;
    }
};

struct subtract {
    static constexpr char const* name = "subtract";
    static constexpr auto apply(auto a, auto b) { return a - b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto) {
        if constexpr (Operand == 0) return upstream;
        else return -upstream;
    }
};

struct multiply {
    static constexpr char const* name = "multiply";
    static constexpr auto apply(auto a, auto b) { return a * b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto a, auto b) {
        if constexpr (Operand == 0) return upstream * b;
        else return upstream * a;
    }
};

struct divide {
    static constexpr char const* name = "divide";
    static constexpr auto apply(auto a, auto b) { return a / b; }
    // d (a / b)/db = -(a / b) / b reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto, auto b) {
        if constexpr (Operand == 0) return upstream / b;
        else return -(upstream * (y / b));
    }
};

struct negate {
    static constexpr char const* name = "negate";
    static constexpr auto apply(auto x) { return -x; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return -upstream;
    }
};

struct square {
    static constexpr char const* name = "square";
    static constexpr auto apply(auto x) { return x * x; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream * (number<2.0> * x);
    }
};

struct sqrt {
    static constexpr char const* name = "sqrt";
    static constexpr auto apply(auto x) { return math::sqrt(x); }
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream / (number<2.0> * y);
    }
};

struct rsqrt {
    static constexpr char const* name = "rsqrt";
    static constexpr auto apply(auto x) { return math::rsqrt(x); }
    // d x^(-1/2)/dx = -x^(-3/2) / 2 reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return upstream * (number<-0.5> * y * y * y);
    }
};

struct pow {
    static constexpr char const* name = "pow";
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::pow(a, b);
    }
    // Where the formulas give 0 times infinity, the limit is 0.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto a, auto b) {
        if constexpr (Operand == 0) {
            auto const slope = b * lockstep::pow(a, b - number<1.0>);
            return lockstep::where(lockstep::equal(b, number<0.0>), number<0.0>, upstream * slope);
        } else {
            auto const at_zero = lockstep::equal(a, number<0.0>) * lockstep::less_equal(number<0.0>, b);
            return lockstep::where(at_zero, number<0.0>, upstream * (y * lockstep::log(a)));
        }
    }
};

} // namespace lockstep::function
