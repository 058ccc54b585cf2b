// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>

#include <array>
#include <cstdint>

/// How shapes lie in memory. An image [channels, height, width] lies channels-last; everything else lies in
/// row-major order. The elements that lie next to each other are a shape's columns: the channels of an image, the
/// last axis of everything else.
namespace lockstep {

/// Rows of contiguous elements: of an image, height * width rows of `channels` columns.
struct memory_rows {
    std::int64_t rows = 1;
    std::int64_t columns = 1;

    friend constexpr bool operator==(memory_rows const&, memory_rows const&) = default;
};

/// The axis whose elements lie next to each other; -1 for a scalar.
constexpr int column_axis_of(extents const& value) { return value.rank == 3 ? 0 : value.rank - 1; }

constexpr memory_rows rows_of(extents const& value) {
    if (value.rank == 0) return {};
    std::int64_t const columns = value.extent[column_axis_of(value)];
    return {value.size() / columns, columns};
}

/// Whether an image's order in memory differs from PyTorch's.
constexpr bool is_reordered(extents const& value) {
    return value.rank == 3 && value.extent[0] > 1 && value.extent[1] * value.extent[2] > 1;
}

/// Axes in the order of memory, at least one: extents, and for each a step in elements or its axis's number.
struct memory_axes {
    int count = 1;
    std::array<int, max_rank> axis{};
    std::array<std::int64_t, max_rank> extent{1};
    std::array<std::int64_t, max_rank> step{};

    constexpr std::int64_t columns() const { return extent[count - 1]; }
    constexpr std::int64_t column_step() const { return step[count - 1]; }
    /// Of all axes but the columns.
    constexpr std::int64_t rows() const {
        std::int64_t product = 1;
        for (int i = 0; i + 1 < count; ++i) product *= extent[i];
        return product;
    }
    /// Elements from the first one of row 0 to the first one of row `row`.
    constexpr std::int64_t offset_of_row(std::int64_t row) const {
        std::int64_t offset = 0;
        for (int i = count - 1; i-- > 0;) {
            offset += row % extent[i] * step[i];
            row /= extent[i];
        }
        return offset;
    }
};

/// A shape's own axes and steps in memory.
constexpr memory_axes memory_axes_of(extents const& value) {
    memory_axes result;
    if (value.rank == 0) return result;
    result.count = value.rank;
    for (int i = 0; i < value.rank; ++i) result.axis[i] = value.rank == 3 ? (i + 1) % 3 : i;
    std::int64_t step = 1;
    for (int i = value.rank; i-- > 0;) {
        result.extent[i] = value.extent[result.axis[i]];
        result.step[i] = step;
        step *= result.extent[i];
    }
    return result;
}

/// The step in memory from one element to the next along each of a shape's axes.
constexpr std::array<std::int64_t, max_rank> axis_steps_of(extents const& value) {
    memory_axes const own = memory_axes_of(value);
    std::array<std::int64_t, max_rank> steps{};
    for (int i = 0; i < value.rank; ++i) steps[own.axis[i]] = own.step[i];
    return steps;
}

/// The axes of `to` in memory, with the steps along which `from`, broadcast to that shape, is read: 0 along the
/// axes that it has not got or where its extent is 1.
constexpr memory_axes broadcast_steps(extents const& from, extents const& to) {
    memory_axes result = memory_axes_of(to);
    auto const steps = axis_steps_of(from);
    for (int i = 0; i < to.rank; ++i) {
        int const own = result.axis[i] - (to.rank - from.rank);
        result.step[i] = own < 0 || from.extent[own] == 1 ? 0 : steps[own];
    }
    if (to.rank == 0) result.step[0] = 0;
    return result;
}

} // namespace lockstep
