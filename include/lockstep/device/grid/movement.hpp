// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/elementwise.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/move.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/shards.hpp>
#include <lockstep/shape/movement.hpp>

#include <type_traits>
#include <utility>

namespace lockstep::grid {

/// Where a movement does not write all of its result, the rest is zero.
template <class T, class R, class Result, class X, class Moves>
struct movement_kernels {
    static constexpr bool is_whole = Moves::value.size() == Result::result_shape::size;
    using move = move_kernel<R, stored<T, X>, moved<Result, X, Moves>>;
    using type = std::conditional_t<is_whole, passes<move>, passes<fill_zeros<R, Result>, move>>;
};

template <class Primitive, class X>
struct moves_of {
    static constexpr movement value = Primitive::template moves<X>;
};
template <class T, class Primitive, class X, class R>
    requires requires { Primitive::template moves<X>; }
struct kernels_for<T, compute<Primitive, X>, R>
    : movement_kernels<T, R, compute<Primitive, X>, X, moves_of<Primitive, X>> {};

/// Operand Index to its place.
template <int Axis, int Index, class Part, class... X>
struct moves_of_concat {
    using whole = typename compute<primitive::concat<Axis>, X...>::result_shape;
    static constexpr movement value = placing(extents_of<typename Part::result_shape>(), extents_of<whole>(), Axis,
                                              primitive::concat<Axis>::template begin_of<Index, X...>);
};
template <class T, int Axis, class... X, class R>
struct kernels_for<T, compute<primitive::concat<Axis>, X...>, R> {
private:
    using result = compute<primitive::concat<Axis>, X...>;
    template <int... Index>
    static passes<move_kernel<R, stored<T, X>, moved<result, X, moves_of_concat<Axis, Index, X, X...>>>...>
        all(std::integer_sequence<int, Index...>);

public:
    using type = decltype(all(std::make_integer_sequence<int, sizeof...(X)>{}));
};

/// From an image in PyTorch's order to one in memory's, or back: one of the two is a row of the same elements.
template <bool ToChannelsLast, class X>
struct moves_of_reordering {
    static constexpr extents image = extents_of<typename X::result_shape>();
    static constexpr extents row{1, {static_cast<int>(image.size())}};
    static constexpr movement value = ToChannelsLast ? reshaping(row, image) : reshaping(image, row);
};
template <class T, bool ToChannelsLast, class X, class R>
struct kernels_for<T, compute<primitive::reorder_image<ToChannelsLast>, X>, R>
    : movement_kernels<T, R, compute<primitive::reorder_image<ToChannelsLast>, X>, X,
                       moves_of_reordering<ToChannelsLast, X>> {};

/// The sum over one shard, which is all that a replica sees by itself.
template <class T, class X, class R>
struct kernels_for<T, compute<primitive::sum_over_shards, X>, R> {
    using type = passes<elementwise<T, R, X>>;
};

} // namespace lockstep::grid
