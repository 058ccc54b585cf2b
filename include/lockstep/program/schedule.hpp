// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/program/type_list.hpp>

namespace lockstep {

/// More operands than any kernel has.
inline constexpr int max_operands = 12;

} // namespace lockstep

namespace lockstep::detail {

// An expression is computed by a list of steps, each of which fills a buffer. Expressions are types and equal
// types are equal values, so a buffer is named by the expression it holds, and a value that forward and
// backward expressions share is found again by its type.

/// Leaves come from outside; literals and generated numbers are part of the code that uses them.
template <class E>
inline constexpr bool is_leaf = false;
template <class Tag, class Shape, bool PerSample, leaf_content Content>
inline constexpr bool is_leaf<leaf<Tag, Shape, PerSample, Content>> = true;

template <class E>
inline constexpr bool is_compute = false;
template <class Primitive, class... Operands>
inline constexpr bool is_compute<compute<Primitive, Operands...>> = true;

template <class E>
inline constexpr bool is_apply = false;
template <class Function, class... Operands>
inline constexpr bool is_apply<apply<Function, Operands...>> = true;

/// Whether an expression holds a primitive, which ends an elementwise chain.
template <class E>
inline constexpr bool holds_compute = false;
template <class Primitive, class... Operands>
inline constexpr bool holds_compute<compute<Primitive, Operands...>> = true;
template <class Function, class... Operands>
inline constexpr bool holds_compute<apply<Function, Operands...>> = (holds_compute<Operands> || ...);

/// Whether it draws random numbers.
template <class E>
inline constexpr bool holds_random = false;
template <int Stream, class Shape>
inline constexpr bool holds_random<uniform_random<Stream, Shape>> = true;
template <class Primitive, class... Operands>
inline constexpr bool holds_random<compute<Primitive, Operands...>> = (holds_random<Operands> || ...);
template <class Function, class... Operands>
inline constexpr bool holds_random<apply<Function, Operands...>> = (holds_random<Operands> || ...);

template <class Buffers, class E>
struct schedule_expression;
template <class Buffers, class E>
struct prepare_expression;

/// `Buffers` extended by what has to be computed so that E is in one, in order, E last.
template <class Buffers, class E>
using schedule = typename schedule_expression<Buffers, E>::type;

/// `Buffers` extended by what an elementwise chain that holds E reads: its primitives, but not E itself.
template <class Buffers, class E>
using prepare = typename prepare_expression<Buffers, E>::type;

template <class Buffers, class... E>
struct prepare_all {
    using type = Buffers;
};
template <class Buffers, class First, class... Rest>
struct prepare_all<Buffers, First, Rest...> : prepare_all<prepare<Buffers, First>, Rest...> {};

template <class Buffers, class... E>
struct schedule_all {
    using type = Buffers;
};
template <class Buffers, class First, class... Rest>
struct schedule_all<Buffers, First, Rest...> : schedule_all<schedule<Buffers, First>, Rest...> {};

template <class Buffers, class List>
struct schedule_members;
template <class Buffers, class... E>
struct schedule_members<Buffers, type_list<E...>> : schedule_all<Buffers, E...> {};

/// The same for every expression of a list.
template <class Buffers, class List>
using schedule_list = typename schedule_members<Buffers, List>::type;

/// A primitive that evaluates elementwise operands on its way, as reductions do, needs no buffers for them.
template <class Primitive>
inline constexpr bool reads_chains = requires { requires Primitive::reads_chains; };

/// Whether an expression depends on anything but literals.
template <class E>
inline constexpr bool holds_value = true;
template <double Value>
inline constexpr bool holds_value<literal<Value>> = false;
template <class Shape, bool PerSample>
inline constexpr bool holds_value<column_index<Shape, PerSample>> = false;
template <class Function, class... Operands>
inline constexpr bool holds_value<apply<Function, Operands...>> = (holds_value<Operands> || ...);

/// Whether an operand of a chain is computed once, into a buffer, because the chain would compute it again for every
/// element to which it is broadcast: the root of a variance, for one.
template <class Operand, class Chain>
inline constexpr bool is_hoisted =
    is_apply<Operand> && holds_value<Operand> &&
    (Operand::result_shape::size < Chain::result_shape::size || (Chain::per_sample && !Operand::per_sample));

template <class Buffers, class E>
struct prepare_expression {
    using type = Buffers;
};
template <class Buffers, class Primitive, class... Operands>
struct prepare_expression<Buffers, compute<Primitive, Operands...>> {
    using type = schedule<Buffers, compute<Primitive, Operands...>>;
};
template <class Buffers, class Chain, class... Operands>
struct prepare_operands {
    using type = Buffers;
};
template <class Buffers, class Chain, class First, class... Rest>
struct prepare_operands<Buffers, Chain, First, Rest...>
    : prepare_operands<typename std::conditional_t<is_hoisted<First, Chain>, schedule_expression<Buffers, First>,
                                                   prepare_expression<Buffers, First>>::type,
                       Chain, Rest...> {};
template <class Buffers, class Function, class... Operands>
    requires(!contains<apply<Function, Operands...>, Buffers>)
struct prepare_expression<Buffers, apply<Function, Operands...>>
    : prepare_operands<Buffers, apply<Function, Operands...>, Operands...> {};

// ---- the code of one step ----

/// What the code of a step reads: buffers and leaves, in the order in which it meets them.
template <class Reads, class Buffers, class E>
struct collect_reads {
    using type = std::conditional_t<is_leaf<E>, append<Reads, E>, Reads>;
};
template <class Reads, class Buffers, class... E>
struct collect_all {
    using type = Reads;
};
template <class Reads, class Buffers, class First, class... Rest>
struct collect_all<Reads, Buffers, First, Rest...>
    : collect_all<typename collect_reads<Reads, Buffers, First>::type, Buffers, Rest...> {};
template <class Reads, class Buffers, class Primitive, class... Operands>
struct collect_reads<Reads, Buffers, compute<Primitive, Operands...>> {
    using type = append<Reads, compute<Primitive, Operands...>>;
};
template <class Reads, class Buffers, class Function, class... Operands>
struct collect_reads<Reads, Buffers, apply<Function, Operands...>> {
    using type = typename std::conditional_t<
        contains<apply<Function, Operands...>, Buffers>,
        std::type_identity<append<Reads, apply<Function, Operands...>>>,
        collect_all<Reads, Buffers, Operands...>>::type;
};

/// What computing E itself reads, all else being in buffers.
template <class Buffers, class E>
struct reads_of_step;
template <class Buffers, class Function, class... Operands>
struct reads_of_step<Buffers, apply<Function, Operands...>> : collect_all<type_list<>, Buffers, Operands...> {};
template <class Buffers, class Primitive, class... Operands>
struct reads_of_step<Buffers, compute<Primitive, Operands...>>
    : collect_all<type_list<>, Buffers, Operands...> {};
template <class Buffers, class E>
using reads_of = typename reads_of_step<Buffers, E>::type;

// ---- the order of steps ----

/// A chain that would read more than a kernel can is cut at its operands.
template <class Buffers, class E, bool Few = (reads_of<Buffers, E>::size <= max_operands)>
struct with_few_reads {
    using type = Buffers;
};
template <class Buffers, template <class...> class Node, class Function, class... Operands>
struct with_few_reads<Buffers, Node<Function, Operands...>, false> : schedule_all<Buffers, Operands...> {};

template <class Buffers, class E>
struct schedule_expression {
    using type = Buffers;
};
template <class Buffers, class Function, class... Operands>
    requires(!contains<apply<Function, Operands...>, Buffers>)
struct schedule_expression<Buffers, apply<Function, Operands...>> {
    using type = append<typename with_few_reads<typename prepare_operands<Buffers, apply<Function, Operands...>, Operands...>::type,
                                                apply<Function, Operands...>>::type,
                        apply<Function, Operands...>>;
};
template <class Buffers, class Primitive, class... Operands>
    requires(!contains<compute<Primitive, Operands...>, Buffers>)
struct schedule_expression<Buffers, compute<Primitive, Operands...>> {
    using type = append<typename std::conditional_t<
                            reads_chains<Primitive>,
                            with_few_reads<typename prepare_all<Buffers, Operands...>::type, compute<Primitive, Operands...>>,
                            schedule_all<Buffers, Operands...>>::type,
                        compute<Primitive, Operands...>>;
};

} // namespace lockstep::detail

namespace lockstep {

/// Operand number Index of a kernel.
template <int Index>
struct operand_tag {};

/// Which operand a leaf of a kernel's expression is: one that an expression reads twice is one operand.
template <class Leaf>
inline constexpr int operand_index = -1;
template <int Index, class Shape, bool PerSample, leaf_content Content>
inline constexpr int operand_index<leaf<operand_tag<Index>, Shape, PerSample, Content>> = Index;

namespace detail {

template <class E>
inline constexpr leaf_content content_of = leaf_content::number;
template <class Tag, class Shape, bool PerSample, leaf_content Content>
inline constexpr leaf_content content_of<leaf<Tag, Shape, PerSample, Content>> = Content;

/// E with everything that a step reads replaced by numbered operands: the key of a kernel, the same wherever
/// the step stands in whatever model. Storage says what the operands are in memory.
template <class Reads, class E, class Storage>
struct localize {
    using type = E;
};
template <class Reads, class E, class Storage>
    requires(index_of<E, Reads> >= 0)
struct localize<Reads, E, Storage> {
    using type = leaf<operand_tag<index_of<E, Reads>>, typename E::result_shape, E::per_sample, Storage::template content<E>>;
};
template <class Reads, class Function, class... Operands, class Storage>
    requires(index_of<apply<Function, Operands...>, Reads> < 0)
struct localize<Reads, apply<Function, Operands...>, Storage> {
    using type = apply<Function, typename localize<Reads, Operands, Storage>::type...>;
};
template <class Reads, class Primitive, class... Operands, class Storage>
    requires(index_of<compute<Primitive, Operands...>, Reads> < 0)
struct localize<Reads, compute<Primitive, Operands...>, Storage> {
    using type = compute<Primitive, typename localize<Reads, Operands, Storage>::type...>;
};

} // namespace detail

/// How a program's values are stored where its backend says nothing else: as the numbers it computes with.
struct stored_as_computed {
    static constexpr leaf_content rounded = leaf_content::number;
    template <class E>
    static constexpr leaf_content content = detail::content_of<E>;
};

/// The kernel that computes E from the operands it reads.
template <class Reads, class E, class Storage = stored_as_computed>
using kernel_expression = typename detail::localize<Reads, E, Storage>::type;

} // namespace lockstep
