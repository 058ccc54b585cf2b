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

constexpr bool broadcastable(extents const& left, extents const& right) {
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

template <extents Value, class Axes>
struct shape_from;
template <extents Value, std::size_t... Axes>
struct shape_from<Value, std::index_sequence<Axes...>> {
    using type = shape<Value.extent[Axes]...>;
};

} // namespace detail

/// The type of a shape given as a value.
template <extents Value>
using shape_from = typename detail::shape_from<Value, std::make_index_sequence<Value.rank>>::type;

/// Whether two shapes combine under NumPy's rule: aligned at the last axis, extents equal or 1.
template <any_shape Left, any_shape Right>
inline constexpr bool broadcastable = detail::broadcastable(extents_of<Left>(), extents_of<Right>());

/// The shape that both broadcast to.
template <any_shape Left, any_shape Right>
    requires broadcastable<Left, Right>
using broadcast_shape = shape_from<detail::broadcast(extents_of<Left>(), extents_of<Right>())>;

/// How a shape lies in memory: `rows` of `columns` contiguous elements. An image [channels, height, width]
/// lies channels-last: height * width rows of `channels` columns. Everything else lies in row-major order.
struct memory_rows {
    std::int64_t rows = 1;
    std::int64_t columns = 1;

    friend constexpr bool operator==(memory_rows const&, memory_rows const&) = default;
};

constexpr memory_rows rows_of(extents const& value) {
    if (value.rank == 0) return {};
    std::int64_t const columns = value.rank == 3 ? value.extent[0] : value.extent[value.rank - 1];
    return {value.size() / columns, columns};
}

} // namespace lockstep
