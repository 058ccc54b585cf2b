// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>

#include <utility>

namespace lockstep {

namespace detail {

/// The extent of `value` at `axis` when both are aligned at their last axes, 1 where it has none.
constexpr int aligned_extent(extents const& value, int rank, int axis) {
    int const own = axis - (rank - value.rank);
    return own < 0 ? 1 : value.extent[own];
}

constexpr bool extents_match(extents const& left, extents const& right) {
    int const rank = left.rank > right.rank ? left.rank : right.rank;
    for (int axis = 0; axis < rank; ++axis) {
        int const a = aligned_extent(left, rank, axis), b = aligned_extent(right, rank, axis);
        if (a != b && a != 1 && b != 1) return false;
    }
    return true;
}

constexpr extents broadcast(extents const& left, extents const& right) {
    extents result;
    result.rank = left.rank > right.rank ? left.rank : right.rank;
    for (int axis = 0; axis < result.rank; ++axis) {
        int const a = aligned_extent(left, result.rank, axis), b = aligned_extent(right, result.rank, axis);
        result.extent[axis] = a == 1 ? b : a;
    }
    return result;
}

template <class Rule, class Axes>
struct shape_from;
template <class Rule, std::size_t... Axes>
struct shape_from<Rule, std::index_sequence<Axes...>> {
    using type = shape<Rule::value.extent[Axes]...>;
};

template <class Left, class Right>
struct broadcast_rule {
    static constexpr extents value = broadcast(extents_of<Left>(), extents_of<Right>());
};

} // namespace detail

/// The type of a shape that a rule, a type with a constexpr member `value`, gives as extents.
template <class Rule>
using shape_from = typename detail::shape_from<Rule, std::make_index_sequence<Rule::value.rank>>::type;

/// Whether two shapes combine under NumPy's rule: aligned at the last axis, extents equal or 1.
template <any_shape Left, any_shape Right>
inline constexpr bool broadcastable = detail::extents_match(extents_of<Left>(), extents_of<Right>());

/// The shape that both broadcast to.
template <any_shape Left, any_shape Right>
    requires broadcastable<Left, Right>
using broadcast_shape = shape_from<detail::broadcast_rule<Left, Right>>;

/// The rule: Shape with another last extent.
template <any_shape Shape, int Last>
struct with_last {
    static constexpr extents value = [] {
        extents result = extents_of<Shape>();
        result.extent[Shape::rank - 1] = Last;
        return result;
    }();
};

} // namespace lockstep
