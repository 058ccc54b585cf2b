// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/memory_order.hpp>

#include <array>
#include <cstdint>

namespace lockstep {

/// Elements that change places: for each of some axes, of the same extents on both sides, the steps in memory from
/// one element to the next. What a slice, a transposition or a reshape does to one sample.
struct movement {
    /// In the order in which they are walked; that of the side that is written where all of it is.
    memory_axes from;
    memory_axes to;
    std::int64_t from_offset = 0;
    std::int64_t to_offset = 0;

    constexpr std::int64_t size() const { return from.rows() * from.columns(); }
};

namespace detail {

/// The walk of a shape's memory, with the steps that another shape has along the axes `axis_of(axis)`.
template <class AxisOf>
constexpr memory_axes other_steps(memory_axes walk, extents const& other, AxisOf axis_of) {
    auto const steps = axis_steps_of(other);
    if (other.rank == 0) return walk;
    for (int i = 0; i < walk.count; ++i) walk.step[i] = steps[axis_of(walk.axis[i])];
    return walk;
}

} // namespace detail

/// Axis i of the result is axis `axes[i]` of the operand.
constexpr movement transposition(extents const& from, extents const& to, std::array<int, max_rank> const& axes) {
    movement m;
    m.to = memory_axes_of(to);
    m.from = detail::other_steps(m.to, from, [&](int axis) { return axes[axis]; });
    return m;
}

/// `part` is what lies at `first` and after along one axis of `whole`: from the whole to the part.
constexpr movement slicing(extents const& whole, extents const& part, int axis, int first) {
    movement m;
    m.to = memory_axes_of(part);
    m.from = detail::other_steps(m.to, whole, [](int same) { return same; });
    m.from_offset = first * axis_steps_of(whole)[axis];
    return m;
}

/// The way back: a part into its place in the whole.
constexpr movement placing(extents const& part, extents const& whole, int axis, int first) {
    movement m = slicing(whole, part, axis, first);
    std::int64_t const offset = m.from_offset;
    m.from_offset = 0;
    m.to_offset = offset;
    memory_axes const whole_steps = m.from;
    m.from = m.to;
    m.to = whole_steps;
    return m;
}

/// The same elements in PyTorch's order under another shape; at most one of the two lies in another order.
constexpr movement reshaping(extents const& from, extents const& to) {
    movement m;
    auto in_order = [](memory_axes walk, extents const& image) {
        std::int64_t const height = image.extent[1], width = image.extent[2];
        std::int64_t const steps[] = {height * width, width, 1};
        for (int i = 0; i < walk.count; ++i) walk.step[i] = steps[walk.axis[i]];
        return walk;
    };
    if (is_reordered(from)) {
        m.from = memory_axes_of(from);
        m.to = in_order(m.from, from);
    } else if (is_reordered(to)) {
        m.to = memory_axes_of(to);
        m.from = in_order(m.to, to);
    } else {
        m.from.extent[0] = m.to.extent[0] = from.size();
        m.from.step[0] = m.to.step[0] = 1;
    }
    return m;
}

} // namespace lockstep
