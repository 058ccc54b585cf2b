// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/expression/reduce.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
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
// An index has no gradient.
template <class Tag, class Shape, bool PerSample>
struct reaches<leaf<Tag, Shape, PerSample, leaf_content::class_index>, Tag> : std::false_type {};
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

/// Sums over the same axes are one sum.
template <class Shape, bool PerSample, class A, class B>
    requires(std::is_same_v<typename A::result_shape, typename B::result_shape> && A::per_sample == B::per_sample)
constexpr auto sum_of_gradients(compute<primitive::sum_to<Shape, PerSample>, A>,
                                compute<primitive::sum_to<Shape, PerSample>, B>) {
    return compute<primitive::sum_to<Shape, PerSample>, decltype(A{} + B{})>{};
}

// Reverse mode walks an expression in layers. Its elementwise part ends at leaves and at primitives; the
// gradients that reach one of these on several paths are added before anything follows, so that a primitive's
// own rule is applied once: x * sigmoid(x) behind a matmul has one weight gradient, not two.

/// Whether a walk ends at this expression.
template <class Expression, class Target>
inline constexpr bool is_target = std::is_same_v<Expression, Target>;
template <class Tag>
struct leaf_with {};
template <class Tag, class Shape, bool PerSample, leaf_content Content>
inline constexpr bool is_target<leaf<Tag, Shape, PerSample, Content>, leaf_with<Tag>> =
    Content == leaf_content::number;

/// One operand's share: the node's rule, summed down to the operand's shape where it had been broadcast.
template <class Node, class Rule, int Index, class Operand, class... Operands>
constexpr auto gradient_of_operand(auto upstream) {
    auto const own = Rule::template gradient<Index>(Node{}, upstream, Operands{}...);
    return whole_sum_to<typename Operand::result_shape, Operand::per_sample>(own);
}

/// Constant factors leave a sum when nothing more will be added to it: shares that arrive on several paths are one sum
/// of what they have in common, which often is stored anyway.
template <class Gradient>
constexpr auto without_constants(Gradient gradient) {
    return gradient;
}
template <class Shape, bool PerSample, class X>
constexpr auto without_constants(compute<primitive::sum_to<Shape, PerSample>, X>) {
    return sum_to<Shape, PerSample>(X{});
}

constexpr auto sum_all() { return no_gradient{}; }
constexpr auto sum_all(auto first, auto... rest) { return sum_of_gradients(first, sum_all(rest...)); }

/// Whether a target is met without passing a primitive.
template <class Expression, class Target>
inline constexpr bool meets = is_target<Expression, Target>;
template <class Function, class... Operands, class Target>
inline constexpr bool meets<apply<Function, Operands...>, Target> =
    !has_no_slope<Function> && (meets<Operands, Target> || ...);

template <class Expression>
struct elementwise_part {
    template <class Target>
    static constexpr auto reverse(auto upstream) {
        return upstream;
    }
};
template <class Function, class... Operands>
struct elementwise_part<apply<Function, Operands...>> {
    template <class Target>
    static constexpr auto reverse(auto upstream) {
        return all<Target>(upstream, std::index_sequence_for<Operands...>{});
    }
    template <class Target, std::size_t... I>
    static constexpr auto all(auto upstream, std::index_sequence<I...>) {
        return sum_all(one<Target, static_cast<int>(I), Operands>(upstream)...);
    }
    template <class Target, int Index, class Operand>
    static constexpr auto one([[maybe_unused]] auto upstream) {
        if constexpr (!meets<Operand, Target>) return no_gradient{};
        else {
            auto const share = gradient_of_operand<apply<Function, Operands...>, Function, Index, Operand, Operands...>(upstream);
            if constexpr (is_target<Operand, Target>) return share;
            else return elementwise_part<Operand>::template reverse<Target>(without_constants(share));
        }
    }
};

/// The distinct primitives at which the elementwise part of an expression ends.
template <class... Nodes>
struct node_list {};
template <class List, class... Expressions>
struct collect_nodes {
    using type = List;
};
template <class... Nodes, class Primitive, class... Operands, class... Rest>
struct collect_nodes<node_list<Nodes...>, compute<Primitive, Operands...>, Rest...>
    : collect_nodes<std::conditional_t<(std::is_same_v<Nodes, compute<Primitive, Operands...>> || ...),
                                       node_list<Nodes...>, node_list<Nodes..., compute<Primitive, Operands...>>>,
                    Rest...> {};
template <class List, class Function, class... Operands, class... Rest>
struct collect_nodes<List, apply<Function, Operands...>, Rest...> : collect_nodes<List, Operands..., Rest...> {};
template <class List, class First, class... Rest>
struct collect_nodes<List, First, Rest...> : collect_nodes<List, Rest...> {};

template <class Tag>
struct reverse_to {
    template <class Expression>
    static constexpr auto of(auto upstream) {
        using nodes = typename collect_nodes<node_list<>, Expression>::type;
        return sum_of_gradients(direct<Expression>(upstream), through_nodes<Expression>(upstream, nodes{}));
    }

private:
    template <class Expression>
    static constexpr auto direct([[maybe_unused]] auto upstream) {
        if constexpr (!meets<Expression, leaf_with<Tag>>) return no_gradient{};
        else return without_constants(elementwise_part<Expression>::template reverse<leaf_with<Tag>>(upstream));
    }
    template <class Expression, class... Nodes>
    static constexpr auto through_nodes([[maybe_unused]] auto upstream, node_list<Nodes...>) {
        return sum_all(through_node<Expression, Nodes>(upstream, Nodes{})...);
    }
    template <class Expression, class Node, class Primitive, class... Operands>
    static constexpr auto through_node([[maybe_unused]] auto upstream, compute<Primitive, Operands...>) {
        if constexpr (!reaches<Node, Tag>::value || !meets<Expression, Node>) return no_gradient{};
        else {
            auto const at_node = without_constants(elementwise_part<Expression>::template reverse<Node>(upstream));
            return through_operands<Node, Primitive, Operands...>(at_node, std::index_sequence_for<Operands...>{});
        }
    }
    template <class Node, class Primitive, class... Operands, std::size_t... I>
    static constexpr auto through_operands(auto upstream, std::index_sequence<I...>) {
        return sum_all(through_operand<Node, Primitive, static_cast<int>(I), Operands, Operands...>(upstream)...);
    }
    template <class Node, class Primitive, int Index, class Operand, class... Operands>
    static constexpr auto through_operand([[maybe_unused]] auto upstream) {
        if constexpr (!reaches<Operand, Tag>::value) return no_gradient{};
        else
            return of<Operand>(
                without_constants(gradient_of_operand<Node, Primitive, Index, Operand, Operands...>(upstream)));
    }
};

} // namespace detail

/// The gradient of an expression with respect to the leaf with this tag, an expression itself: the product of
/// the upstream gradient and the Jacobian, derived from the expression's type through its nodes' rules.
/// no_gradient where the expression doesn't depend on the leaf.
template <class Tag, expression E, expression Upstream>
constexpr auto backward(E, Upstream upstream) {
    if constexpr (!detail::reaches<E, Tag>::value) return no_gradient{};
    else return detail::reverse_to<Tag>::template of<E>(upstream);
}

/// What the compiler prints for a gradient with respect to a leaf that the expression doesn't depend on.
template <class Leaf>
struct expression_does_not_depend_on {};

namespace detail {
template <class E, class Leaf>
inline constexpr bool depends_on = reaches<E, typename Leaf::tag>::value;
}

/// The gradient of the sum of an expression's elements, of one sample or all of them, with respect to one leaf: an
/// expression; with respect to several: a tuple of them.
///
///     gradient(f, x)      std::get<1>(gradient(f, x, w))
template <expression E, class Tag, class Shape, bool PerSample>
    requires detail::depends_on<E, leaf<Tag, Shape, PerSample>>
constexpr auto gradient(E e, leaf<Tag, Shape, PerSample>) {
    constexpr apply<function::broadcast_to, literal<1.0>, column_index<typename E::result_shape, E::per_sample>> ones;
    if constexpr (E::result_shape::rank == 0 && !E::per_sample) return backward<Tag>(e, literal<1.0>{});
    else return backward<Tag>(e, ones);
}
template <expression E, expression... Leaves>
    requires(sizeof...(Leaves) > 1 && (detail::depends_on<E, Leaves> && ...))
constexpr auto gradient(E e, Leaves... leaves) {
    return std::tuple{gradient(e, leaves)...};
}
template <expression E, expression First, expression... Leaves,
          class Rule = expression_does_not_depend_on<std::conditional_t<detail::depends_on<E, First>, std::tuple<Leaves...>, First>>>
    requires(!(detail::depends_on<E, First> && (detail::depends_on<E, Leaves> && ...)))
Rule gradient(E, First, Leaves...) = delete;

} // namespace lockstep
