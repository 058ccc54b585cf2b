// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/math.hpp>

namespace lockstep {

/// The name of a broken rule, returned by the deleted operators, so that the compiler prints both shapes. There it
/// is a template parameter, as not every compiler prints the result's type.
template <class Left, class Right>
struct shapes_do_not_broadcast {};

namespace detail {

template <class Left, class Right>
concept combinable = expression<Left> && expression<Right>;

template <class Left, class Right>
concept fitting =
    combinable<Left, Right> && broadcastable<typename Left::result_shape, typename Right::result_shape>;

} // namespace detail

/// The elementwise functions: each its value and, beside it, its gradient.
namespace function {

struct add {
    static constexpr char const* name = "add";
    static constexpr auto apply(auto a, auto b) { return a + b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto) {
        return upstream;
    }
};

struct multiply {
    static constexpr char const* name = "multiply";
    static constexpr auto apply(auto a, auto b) { return a * b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto a, auto b) {
        if constexpr (Operand == 0) return lockstep::apply<multiply, decltype(upstream), decltype(b)>{};
        else return lockstep::apply<multiply, decltype(upstream), decltype(a)>{};
    }
};

struct divide {
    static constexpr char const* name = "divide";
    static constexpr auto apply(auto a, auto b) { return a / b; }
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto, auto b) {
        using share = lockstep::apply<divide, decltype(upstream), decltype(b)>;
        if constexpr (Operand == 0) return share{};
        else return lockstep::apply<multiply, share, decltype(-y)>{};
    }
};

struct negate {
    static constexpr char const* name = "negate";
    static constexpr auto apply(auto a) { return -a; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return lockstep::apply<negate, decltype(upstream)>{};
    }
};

struct subtract {
    static constexpr char const* name = "subtract";
    static constexpr auto apply(auto a, auto b) { return a - b; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto) {
        if constexpr (Operand == 0) return upstream;
        else return lockstep::apply<negate, decltype(upstream)>{};
    }
};

/// 1 where a < b, else 0. Its gradient is zero wherever it exists, so no rule leads through it.
struct less {
    static constexpr char const* name = "less";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return a < b ? T(1) : T(0);
    }
};

/// 1 where a == b, else 0.
struct equal {
    static constexpr char const* name = "equal";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return a == b ? T(1) : T(0);
    }
};

/// `chosen` where the condition is not zero, else `other`.
struct where {
    static constexpr char const* name = "where";
    template <class T>
    static constexpr T apply(T condition, T chosen, T other) {
        return condition != T(0) ? chosen : other;
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto condition, auto, auto) {
        static_assert(Operand != 0, "a condition has no gradient");
        using zero = literal<0.0>;
        if constexpr (Operand == 1)
            return lockstep::apply<where, decltype(condition), decltype(upstream), zero>{};
        else return lockstep::apply<where, decltype(condition), zero, decltype(upstream)>{};
    }
};

/// a, as often as the second operand's shape asks for.
struct broadcast_to {
    static constexpr char const* name = "broadcast";
    static constexpr auto apply(auto a, auto) { return a; }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto) {
        static_assert(Operand == 0, "a shape has no gradient");
        return upstream;
    }
};

/// max(x, 0), which lets a NaN pass as PyTorch does.
struct relu {
    static constexpr char const* name = "relu";
    template <class T>
    static constexpr T apply(T x) {
        return x < T(0) ? T(0) : x;
    }
    // Reads the result: y > 0 exactly where x > 0.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        using positive = lockstep::apply<less, literal<0.0>, decltype(y)>;
        return lockstep::apply<where, positive, decltype(upstream), literal<0.0>>{};
    }
};

struct exp {
    static constexpr char const* name = "exp";
    static constexpr auto apply(auto x) { return math::exp(x); }
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return lockstep::apply<multiply, decltype(upstream), decltype(y)>{};
    }
};

struct tanh {
    static constexpr char const* name = "tanh";
    static constexpr auto apply(auto x) { return math::tanh(x); }
    // d tanh(x)/dx = 1 - tanh(x)^2 reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        using square = lockstep::apply<multiply, decltype(y), decltype(y)>;
        using slope = lockstep::apply<subtract, literal<1.0>, square>;
        return lockstep::apply<multiply, decltype(upstream), slope>{};
    }
};

struct sigmoid {
    static constexpr char const* name = "sigmoid";
    static constexpr auto apply(auto x) { return math::sigmoid(x); }
    // d s(x)/dx = s(x) (1 - s(x)) reads the result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        using rest = lockstep::apply<subtract, literal<1.0>, decltype(y)>;
        using slope = lockstep::apply<multiply, decltype(y), rest>;
        return lockstep::apply<multiply, decltype(upstream), slope>{};
    }
};

} // namespace function

template <expression A, expression B>
    requires detail::fitting<A, B>
constexpr auto operator+(A, B) {
    return apply<function::add, A, B>{};
}
template <expression A, expression B>
    requires detail::fitting<A, B>
constexpr auto operator-(A, B) {
    return apply<function::subtract, A, B>{};
}
template <expression A, expression B>
    requires detail::fitting<A, B>
constexpr auto operator*(A, B) {
    return apply<function::multiply, A, B>{};
}
template <expression A, expression B>
    requires detail::fitting<A, B>
constexpr auto operator/(A, B) {
    return apply<function::divide, A, B>{};
}
template <expression A>
constexpr auto operator-(A) {
    return apply<function::negate, A>{};
}

// What doesn't fit is caught here, where both shapes can be named.
template <expression A, expression B,
          class Rule = shapes_do_not_broadcast<typename A::result_shape, typename B::result_shape>>
    requires(!detail::fitting<A, B>)
Rule operator+(A, B) = delete;
template <expression A, expression B,
          class Rule = shapes_do_not_broadcast<typename A::result_shape, typename B::result_shape>>
    requires(!detail::fitting<A, B>)
Rule operator-(A, B) = delete;
template <expression A, expression B,
          class Rule = shapes_do_not_broadcast<typename A::result_shape, typename B::result_shape>>
    requires(!detail::fitting<A, B>)
Rule operator*(A, B) = delete;

template <expression A, expression B>
constexpr auto less(A, B) {
    return apply<function::less, A, B>{};
}
template <expression A, expression B>
constexpr auto equal(A, B) {
    return apply<function::equal, A, B>{};
}
template <expression C, expression A, expression B>
constexpr auto where(C, A, B) {
    return apply<function::where, C, A, B>{};
}
template <expression A>
constexpr auto exp(A) {
    return apply<function::exp, A>{};
}

} // namespace lockstep
