// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/broadcast.hpp>
#include <lockstep/shape/movement.hpp>

#include <array>
#include <type_traits>

/// Primitives that compute nothing: elements change their places. Each is linear, so its gradient is the way back.
namespace lockstep {

/// The names of broken rules.
template <class From, class To>
struct reshape_keeps_the_number_of_elements {};
template <int Axis, int Begin, int End, class Shape>
struct slice_lies_outside_of_its_axis {};
template <int Axis, class First, class Second>
struct shapes_differ_beside_the_concatenated_axis {};
template <class Shape, int... Axes>
struct transpose_names_every_axis_once {};

namespace primitive {

/// The same elements under another shape, in PyTorch's order.
template <any_shape Shape>
struct reshape {
    static constexpr char const* name = "reshape";
    template <class>
    using result_shape = Shape;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;
    template <class X>
    static constexpr movement moves = reshaping(extents_of<typename X::result_shape>(), extents_of<Shape>());

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x);
};

/// Axis i of the result is axis Axes[i] of the operand.
template <int... Axes>
struct transpose {
    static constexpr char const* name = "transpose";
    template <class X>
    using result_shape = shape<X::result_shape::extents[Axes]...>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;
    template <class X>
    static constexpr movement moves = [] {
        std::array<int, max_rank> axes{};
        int position = 0;
        ((axes[position++] = Axes), ...);
        return transposition(extents_of<typename X::result_shape>(), extents_of<result_shape<X>>(), axes);
    }();

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return back(upstream, std::make_integer_sequence<int, sizeof...(Axes)>{});
    }

private:
    /// Where an axis went.
    template <int Axis>
    static constexpr int position_of = [] {
        int position = 0, found = 0;
        ((Axes == Axis ? void(found = position) : void(), ++position), ...);
        return found;
    }();
    template <int... Axis>
    static constexpr auto back(auto upstream, std::integer_sequence<int, Axis...>) {
        return compute<transpose<position_of<Axis>...>, decltype(upstream)>{};
    }
};

/// The rule: Shape with another extent along one axis.
template <class Shape, int Axis, int Extent>
struct with_extent {
    static constexpr extents value = [] {
        extents result = extents_of<Shape>();
        result.extent[Axis] = Extent;
        return result;
    }();
};

/// A part in its place along an axis of `Extent`, zeros around it.
template <int Axis, int Begin, int Extent>
struct place;

/// Elements Begin to Begin + Count - 1 along an axis.
template <int Axis, int Begin, int Count>
struct slice {
    static constexpr char const* name = "slice";
    template <class X>
    using result_shape = shape_from<with_extent<typename X::result_shape, Axis, Count>>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;
    template <class X>
    static constexpr movement moves =
        slicing(extents_of<typename X::result_shape>(), extents_of<result_shape<X>>(), Axis, Begin);

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<place<Axis, Begin, decltype(x)::result_shape::extents[Axis]>, decltype(upstream)>{};
    }
};

template <int Axis, int Begin, int Extent>
struct place {
    static constexpr char const* name = "place";
    template <class X>
    using result_shape = shape_from<with_extent<typename X::result_shape, Axis, Extent>>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class>
    static constexpr double flops = 0.0;
    template <class X>
    static constexpr movement moves =
        placing(extents_of<typename X::result_shape>(), extents_of<result_shape<X>>(), Axis, Begin);

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<slice<Axis, Begin, decltype(x)::result_shape::extents[Axis]>, decltype(upstream)>{};
    }
};

/// Values one after another along an axis.
template <int Axis>
struct concat {
    static constexpr char const* name = "concat";
    template <class First, class... Rest>
    using result_shape =
        shape_from<with_extent<typename First::result_shape, Axis,
                               (First::result_shape::extents[Axis] + ... + Rest::result_shape::extents[Axis])>>;
    template <class... X>
    static constexpr bool per_sample = (X::per_sample || ...);
    template <class...>
    static constexpr double flops = 0.0;
    /// Where operand Index begins.
    template <int Index, class... X>
    static constexpr int begin_of = [] {
        int index = 0, begin = 0;
        ((index++ < Index ? void(begin += X::result_shape::extents[Axis]) : void()), ...);
        return begin;
    }();

    template <int Operand, class... X>
    static constexpr auto gradient(auto, auto upstream, X...) {
        constexpr int counts[] = {X::result_shape::extents[Axis]...};
        return compute<slice<Axis, begin_of<Operand, X...>, counts[Operand]>, decltype(upstream)>{};
    }
};

} // namespace primitive

namespace detail {

/// An axis counted from the front.
template <class Shape, int Axis>
inline constexpr int front_axis = Axis < 0 ? Axis + Shape::rank : Axis;

template <class First, class Second, int Axis>
inline constexpr bool alike_beside_axis = [] {
    if constexpr (First::rank != Second::rank || Axis < -First::rank || Axis >= First::rank) return false;
    else {
        for (int axis = 0; axis < First::rank; ++axis)
            if (axis != front_axis<First, Axis> && First::extents[axis] != Second::extents[axis]) return false;
        return true;
    }
}();

/// The rule that the first shape breaks which does not fit to First.
template <int Axis, class First, class... Rest>
struct first_that_differs {};
template <int Axis, class First, class Second, class... Rest>
struct first_that_differs<Axis, First, Second, Rest...> {
    using type = shapes_differ_beside_the_concatenated_axis<Axis, First, Second>;
};
template <int Axis, class First, class Second, class... Rest>
    requires alike_beside_axis<First, Second, Axis>
struct first_that_differs<Axis, First, Second, Rest...> : first_that_differs<Axis, First, Rest...> {};

template <class Shape, int... Axes>
inline constexpr bool is_order_of_axes = [] {
    std::array<int, max_rank> named{};
    ((Axes >= 0 && Axes < Shape::rank ? void(++named[Axes]) : void()), ...);
    for (int axis = 0; axis < Shape::rank; ++axis)
        if (named[axis] != 1) return false;
    return sizeof...(Axes) == Shape::rank;
}();

template <class Shape, int Axis, int Begin, int End>
concept lies_within = Axis >= -Shape::rank && Axis < Shape::rank && Begin >= 0 && Begin < End &&
                      End <= Shape::extents[front_axis<Shape, Axis>];

template <class Shape>
inline constexpr bool lies_reordered = is_reordered(extents_of<Shape>());

} // namespace detail

/// x's elements in PyTorch's order under another shape of the same size: reshape<shape<4, 6>>(x).
template <any_shape Shape, expression X>
    requires(Shape::size == X::result_shape::size)
constexpr auto reshape(X x) {
    using from = typename X::result_shape;
    if constexpr (std::is_same_v<from, Shape>) return x;
    // Between two images of different order: by way of that order itself.
    else if constexpr (detail::lies_reordered<from> && detail::lies_reordered<Shape>)
        return reshape<Shape>(reshape<shape<static_cast<int>(Shape::size)>>(x));
    else return compute<primitive::reshape<Shape>, X>{};
}
template <any_shape Shape, expression X,
          class Rule = reshape_keeps_the_number_of_elements<typename X::result_shape, Shape>>
    requires(Shape::size != X::result_shape::size)
Rule reshape(X) = delete;

template <any_shape Shape>
template <int Operand>
constexpr auto primitive::reshape<Shape>::gradient(auto, auto upstream, auto x) {
    return lockstep::reshape<typename decltype(x)::result_shape>(upstream);
}

/// x with its axes in another order: transpose<1, 0>(x).
template <int... Axes, expression X>
    requires detail::is_order_of_axes<typename X::result_shape, Axes...>
constexpr auto transpose(X) {
    return compute<primitive::transpose<Axes...>, X>{};
}
template <int... Axes, expression X, class Rule = transpose_names_every_axis_once<typename X::result_shape, Axes...>>
    requires(!detail::is_order_of_axes<typename X::result_shape, Axes...>)
Rule transpose(X) = delete;

/// Elements Begin to End - 1 along an axis: slice<0, 2, 5>(x) is x[2:5].
template <int Axis, int Begin, int End, expression X>
    requires detail::lies_within<typename X::result_shape, Axis, Begin, End>
constexpr auto slice(X) {
    return compute<primitive::slice<detail::front_axis<typename X::result_shape, Axis>, Begin, End - Begin>, X>{};
}
template <int Axis, int Begin, int End, expression X,
          class Rule = slice_lies_outside_of_its_axis<Axis, Begin, End, typename X::result_shape>>
    requires(!detail::lies_within<typename X::result_shape, Axis, Begin, End>)
Rule slice(X) = delete;

/// Values one after another along an axis: concat<-1>(x, y).
template <int Axis, expression First, expression... Rest>
    requires(detail::alike_beside_axis<typename First::result_shape, typename Rest::result_shape, Axis> && ...)
constexpr auto concat(First, Rest...) {
    return compute<primitive::concat<detail::front_axis<typename First::result_shape, Axis>>, First, Rest...>{};
}
template <int Axis, expression First, expression... Rest,
          class Rule = typename detail::first_that_differs<Axis, typename First::result_shape, typename Rest::result_shape...>::type>
Rule concat(First, Rest...) = delete;

} // namespace lockstep
