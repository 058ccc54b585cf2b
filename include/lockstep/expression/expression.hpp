// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/broadcast.hpp>
#include <lockstep/shape/shape.hpp>

#include <concepts>
#include <type_traits>

namespace lockstep {

/// An expression is an empty type that says how a value is computed. Two expressions of the same type are the
/// same value; nothing is stored and nothing runs until a program gives its leaves an address. Every
/// expression has a `result_shape` (of one sample) and says whether it is `per_sample` or shared by all samples
/// of a batch, as parameters are.
struct expression_base {};

template <class T>
concept expression = std::derived_from<std::remove_cvref_t<T>, expression_base>;

/// What the elements of a leaf are: numbers of the program's element type, class indices (int32), or numbers that a
/// backend has rounded to store them.
enum class leaf_content { number, class_index, bf16, half };

constexpr bool is_rounded(leaf_content content) { return content == leaf_content::bf16 || content == leaf_content::half; }

template <class Shape>
inline constexpr leaf_content content_in = is_class_indices<Shape> ? leaf_content::class_index : leaf_content::number;

/// A value that comes from outside: an input, a parameter, the upstream gradient. The tag says which.
template <class Tag, any_shape Shape, bool PerSample, leaf_content Content = content_in<Shape>>
struct leaf : expression_base {
    using tag = Tag;
    using result_shape = Shape;
    static constexpr bool per_sample = PerSample;
    static constexpr leaf_content content = Content;
};

/// A number known at compile time.
template <double Value>
struct literal : expression_base {
    using result_shape = shape<>;
    static constexpr bool per_sample = false;
    static constexpr double value = Value;
};

/// A literal as an operand: number<0.5> * x.
template <double Value>
inline constexpr literal<Value> number{};

/// Random numbers, uniform in [0, 1), counted by (seed, step, layer, sample, element): whoever evaluates it,
/// and how often, finds the same numbers. `Stream` tells the random layers of one group apart.
template <int Stream, any_shape Shape>
struct uniform_random : expression_base {
    using result_shape = Shape;
    static constexpr bool per_sample = true;
    static constexpr int stream = Stream;
};

/// The number of samples of the shard that is computed: what a mean over a batch divides by.
struct sample_count : expression_base {
    using result_shape = shape<>;
    static constexpr bool per_sample = false;
};

/// What a gradient of the loss begins with where values are stored so that small ones would vanish: a factor, the same in all
/// of a step, that the gradients of parameters are divided by once they have been added up. Elsewhere it is 1.
struct loss_scale : expression_base {
    using result_shape = shape<>;
    static constexpr bool per_sample = false;
};

/// The index of each element along the columns: the last axis, of an image its channels.
template <any_shape Shape, bool PerSample>
struct column_index : expression_base {
    using result_shape = Shape;
    static constexpr bool per_sample = PerSample;
};

namespace detail {

template <class... Shapes>
struct broadcast_all;
template <class Shape>
struct broadcast_all<Shape> {
    using type = Shape;
};
template <class First, class Second, class... Rest>
struct broadcast_all<First, Second, Rest...> : broadcast_all<broadcast_shape<First, Second>, Rest...> {};

} // namespace detail

/// An elementwise function of its operands, which are broadcast against each other.
///
/// A Function has `name`, `apply(values...)`, and `gradient<Operand>(node, upstream, operands...)`, an
/// expression for the gradient with respect to one operand. A rule that uses `node` reads the function's
/// result, one that uses `operands` its arguments: that is all a program needs in order to keep what the
/// backward pass will read.
template <class Function, expression... Operands>
struct apply : expression_base {
    using function = Function;
    using result_shape = typename detail::broadcast_all<typename Operands::result_shape...>::type;
    static constexpr bool per_sample = (Operands::per_sample || ...);
};

/// The result of a primitive that is more than elementwise: a matrix product, a convolution, a reduction.
///
/// A Primitive has `name`, `result_shape<Operands...>`, `per_sample<Operands...>`, `flops<Operands...>` (of one
/// sample), and `gradient<Operand>(node, upstream, operands...)` as above.
template <class Primitive, expression... Operands>
struct compute : expression_base {
    using primitive = Primitive;
    using result_shape = typename Primitive::template result_shape<Operands...>;
    static constexpr bool per_sample = Primitive::template per_sample<Operands...>;
};

} // namespace lockstep
