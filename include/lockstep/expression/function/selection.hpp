// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/math/bits.hpp>
#include <lockstep/expression/operators.hpp>

#include <cmath>

// Values are chosen by math::select, not by ?:, of which several in one chain become branches that keep a loop
// from being vectorized.
namespace lockstep::function {

/// 1 where a < b, else 0. Its gradient is zero wherever it exists, so no rule leads through it.
struct less {
    static constexpr char const* name = "less";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select(a < b, T(1), T(0));
    }
};

struct less_equal {
    static constexpr char const* name = "less_equal";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select(a <= b, T(1), T(0));
    }
};

struct equal {
    static constexpr char const* name = "equal";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select(a == b, T(1), T(0));
    }
};

struct not_equal {
    static constexpr char const* name = "not_equal";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select(a != b, T(1), T(0));
    }
};

/// `chosen` where the condition is not zero, else `other`.
struct where {
    static constexpr char const* name = "where";
    template <class T>
    static constexpr T apply(T condition, T chosen, T other) {
        return math::select(condition != T(0), chosen, other);
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto condition, auto, auto) {
        static_assert(Operand != 0, "a condition has no gradient");
        if constexpr (Operand == 1) return lockstep::where(condition, upstream, number<0.0>);
        else return lockstep::where(condition, number<0.0>, upstream);
    }
};

/// The smaller operand, NaN where one is NaN. Gradients as in PyTorch: half each where both are equal.
struct minimum {
    static constexpr char const* name = "minimum";
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select((a < b) | (a != a), a, b);
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto a, auto b) {
        auto const shared = lockstep::where(lockstep::equal(a, b), number<0.5> * upstream, upstream);
        if constexpr (Operand == 0) return lockstep::where(lockstep::less(b, a), number<0.0>, shared);
        else return lockstep::where(lockstep::less(a, b), number<0.0>, shared);
    }
};

/// The larger operand, as minimum.
struct maximum {
    static constexpr char const* name = "maximum";
    template <class T>
    static constexpr T apply(T a, T b) {
        return math::select((a > b) | (a != a), a, b);
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto a, auto b) {
        auto const shared = lockstep::where(lockstep::equal(a, b), number<0.5> * upstream, upstream);
        if constexpr (Operand == 0) return lockstep::where(lockstep::less(a, b), number<0.0>, shared);
        else return lockstep::where(lockstep::less(b, a), number<0.0>, shared);
    }
};

/// minimum(maximum(x, low), high). Gradients as in PyTorch: x's between the bounds and at them, else the bound's
/// that the result is.
struct clamp {
    static constexpr char const* name = "clamp";
    template <class T>
    static constexpr T apply(T x, T low, T high) {
        return minimum::apply(maximum::apply(x, low), high);
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto low, auto high) {
        return lockstep::where(decides<Operand>(x, low, high), upstream, number<0.0>);
    }

private:
    // Of two conditions both hold where the product is not zero, and either where the sum is not.
    template <int Operand>
    static constexpr auto decides(auto x, auto low, auto high) {
        if constexpr (Operand == 0) return lockstep::less_equal(low, x) * lockstep::less_equal(x, high);
        else if constexpr (Operand == 1) return lockstep::less(x, low) * lockstep::less(low, high);
        else return lockstep::less(high, x) + lockstep::less(high, low);
    }
};

/// max(x, 0), which lets a NaN pass as PyTorch does.
struct relu {
    static constexpr char const* name = "relu";
    template <class T>
    static constexpr T apply(T x) {
        return math::select(x < T(0), T(0), x);
    }
    // Reads the result, which is 0 exactly where the slope is.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto) {
        return lockstep::where(lockstep::stop_gradient(y), upstream, number<0.0>);
    }
};

struct abs {
    static constexpr char const* name = "abs";
    static constexpr auto apply(auto x) { return std::abs(x); }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return upstream * lockstep::sign(x);
    }
};

/// 1, -1, or 0 for 0 and NaN.
struct sign {
    static constexpr char const* name = "sign";
    static constexpr bool constant = true;
    template <class T>
    static constexpr T apply(T x) {
        return math::select(x > T(0), T(1), T(0)) - math::select(x < T(0), T(1), T(0));
    }
};

/// x, as a constant.
struct stop_gradient {
    static constexpr char const* name = "stop_gradient";
    static constexpr bool constant = true;
    static constexpr auto apply(auto x) { return x; }
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

} // namespace lockstep::function
