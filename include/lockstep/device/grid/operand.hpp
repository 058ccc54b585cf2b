// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

namespace lockstep::grid {

/// An operand of a product as lines, the rows of the left one or the columns of the right one, and steps along the axis
/// that is summed. Where a line is and what a step adds are found apart from each other, as a line is read at many
/// steps. `along_depth`: neighbours in memory are those along the summed axis.
template <class O>
concept product_operand = requires(O const operand, std::int64_t index) {
    { O::along_depth } -> std::convertible_to<bool>;
    operand.at(operand.line(index), operand.step(index));
};

/// A row-major matrix, whose rows are LineStep elements apart: the lines of a left operand.
template <class T, std::int64_t LineStep>
struct matrix_rows {
    static constexpr bool along_depth = true;
    T const* data;

    constexpr T const* line(std::int64_t index) const { return data + index * LineStep; }
    constexpr std::int64_t step(std::int64_t index) const { return index; }
    constexpr T at(T const* line, std::int64_t step) const { return line[step]; }
};

/// An operand whose lines are the other's steps, and the other way round: of a matrix, its columns.
template <product_operand Operand>
struct turned {
    static constexpr bool along_depth = !Operand::along_depth;
    Operand operand;

    constexpr auto line(std::int64_t index) const { return operand.step(index); }
    constexpr auto step(std::int64_t index) const { return operand.line(index); }
    constexpr auto at(auto const& line, auto const& step) const { return operand.at(step, line); }
};

template <class T, std::int64_t RowStep>
using matrix_columns = turned<matrix_rows<T, RowStep>>;

} // namespace lockstep::grid
