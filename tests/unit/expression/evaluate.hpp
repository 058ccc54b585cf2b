// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>

namespace tests {

namespace ls = lockstep;

// Elementwise expressions over two scalars, evaluated by the functions' own rules.

struct x_tag {};
struct w_tag {};

template <class T>
struct point {
    T x, w;
};

template <class E>
struct value;
template <>
struct value<ls::leaf<x_tag, ls::shape<>, true>> {
    template <class T>
    static T at(point<T> p) {
        return p.x;
    }
};
template <>
struct value<ls::leaf<w_tag, ls::shape<>, true>> {
    template <class T>
    static T at(point<T> p) {
        return p.w;
    }
};
template <double Value>
struct value<ls::literal<Value>> {
    template <class T>
    static T at(point<T>) {
        return static_cast<T>(Value);
    }
};
template <class Function, class... Operands>
struct value<ls::apply<Function, Operands...>> {
    template <class T>
    static T at(point<T> p) {
        return Function::apply(value<Operands>::at(p)...);
    }
};

template <class T, ls::expression E>
T evaluate(E, T x, T w = {}) {
    return value<E>::at(point<T>{x, w});
}

inline constexpr ls::leaf<x_tag, ls::shape<>, true> u;
inline constexpr ls::leaf<w_tag, ls::shape<>, true> v;

} // namespace tests
