// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/reduce.hpp>

#include <cstddef>
#include <utility>

namespace lockstep {

/// The gradient with respect to a leaf that the expression does not reach.
struct no_gradient {};

namespace detail {

template <class Function>
concept has_no_slope = requires { requires Function::constant; };

template <class Expression, class Tag>
struct reaches : std::false_type {};
template <class Tag, class Shape, bool PerSample, leaf_content Content>
struct reaches<leaf<Tag, Shape, PerSample, Content>, Tag> : std::true_type {};
template <class Function, class... Operands, class Tag>
struct reaches<apply<Function, Operands...>, Tag>
    : std::bool_constant<!has_no_slope<Function> && (reaches<Operands, Tag>::value || ...)> {};
template <class Primitive, class... Operands, class Tag>
struct reaches<compute<Primitive, Operands...>, Tag>
    : std::bool_constant<!has_no_slope<Primitive> && (reaches<Operands, Tag>::value || ...)> {};

template <class A, class B>
constexpr auto sum_of_gradients(A a, B b) {
    if constexpr (std::same_as<A, no_gradient>) return b;
    else if constexpr (std::same_as<B, no_gradient>) return a;
    else return a + b;
}

template <class Expression, class Tag>
struct reverse;

template <class Tag, class Shape, bool PerSample, leaf_content Content>
struct reverse<leaf<Tag, Shape, PerSample, Content>, Tag> {
    static constexpr auto of(auto upstream) { return upstream; }
};

/// Reverse mode: the gradient of every operand that leads to the leaf, by the node's own rule, summed down to
/// the operand's shape where it had been broadcast.
template <class Node, class Rule, class Tag, class... Operands>
struct reverse_node {
    template <std::size_t I, class Operand>
    static constexpr auto through(auto upstream) {
        if constexpr (!reaches<Operand, Tag>::value) return no_gradient{};
        else {
            auto const own = Rule::template gradient<static_cast<int>(I)>(Node{}, upstream, Operands{}...);
            auto const fitted = sum_to<typename Operand::result_shape, Operand::per_sample>(own);
            return reverse<Operand, Tag>::of(fitted);
        }
    }
    template <std::size_t... I>
    static constexpr auto all(auto upstream, std::index_sequence<I...>) {
        return sum(through<I, Operands>(upstream)...);
    }
    static constexpr auto sum(auto first) { return first; }
    static constexpr auto sum(auto first, auto... rest) { return sum_of_gradients(first, sum(rest...)); }
    static constexpr auto of(auto upstream) { return all(upstream, std::index_sequence_for<Operands...>{}); }
};

template <class Function, class... Operands, class Tag>
struct reverse<apply<Function, Operands...>, Tag>
    : reverse_node<apply<Function, Operands...>, Function, Tag, Operands...> {};
template <class Primitive, class... Operands, class Tag>
struct reverse<compute<Primitive, Operands...>, Tag>
    : reverse_node<compute<Primitive, Operands...>, Primitive, Tag, Operands...> {};

} // namespace detail

/// The gradient of an expression with respect to the leaf with this tag, an expression itself: the product of
/// the upstream gradient and the Jacobian, derived from the expression's type through its nodes' rules.
/// no_gradient where the expression doesn't depend on the leaf.
template <class Tag, expression E, expression Upstream>
constexpr auto gradient(E, Upstream upstream) {
    if constexpr (!detail::reaches<E, Tag>::value) return no_gradient{};
    else return detail::reverse<E, Tag>::of(upstream);
}

} // namespace lockstep
