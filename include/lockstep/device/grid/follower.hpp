// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/access.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/reduce.hpp>

#include <cstdint>
#include <type_traits>

/// Operations that do so little with a matrix that a library does it on the way of a product before them.
namespace lockstep::grid {

enum class follower_kind : std::uint8_t {
    none,
    bias,      ///< a vector is added to each row
    bias_relu, ///< the same, and max(., 0) taken of it
    relu,      ///< max(., 0)
    column_sums
};

/// What an operation does with a matrix, whose rows are those of all samples.
struct follower {
    follower_kind kind = follower_kind::none;
    /// Its operands: the matrix, and the vector that is added, -1 where none is.
    int matrix = -1, vector = -1;
    /// Of the matrix, and so elements of the vector, or of the sums.
    std::int64_t columns = 0;
    /// The vector is a parameter, and read as it is rounded. Its operation reads it as the optimizer has it.
    bool reads_rounded = false;

    constexpr bool adds_vector() const { return vector >= 0; }
};

/// Adds Vector to each row of Matrix, where these are operands of such shapes.
template <class Matrix, class Vector, class Sum>
constexpr follower bias_of([[maybe_unused]] follower_kind kind) {
    if constexpr (operand_index<Matrix> >= 0 && operand_index<Vector> >= 0) {
        constexpr access matrix = lockstep::detail::access_of<Matrix, Sum>();
        constexpr access vector = lockstep::detail::access_of<Vector, Sum>();
        if (matrix.aligned && vector.is_row() && vector.axes.column_step() == 1)
            return {kind, operand_index<Matrix>, operand_index<Vector>, vector.axes.columns(), false};
    }
    return {};
}
template <class A, class B>
constexpr follower sum_follower(follower_kind kind) {
    using sum = apply<function::add, A, B>;
    follower const found = bias_of<A, B, sum>(kind);
    return found.adds_vector() ? found : bias_of<B, A, sum>(kind);
}

/// What an expression over numbered operands is as a follower: value.
template <class E>
struct follower_of {
    static constexpr follower value{};
};
template <class A, class B>
struct follower_of<apply<function::add, A, B>> {
    static constexpr follower value = sum_follower<A, B>(follower_kind::bias);
};
template <class A, class B>
struct follower_of<apply<function::relu, apply<function::add, A, B>>> {
    static constexpr follower value = sum_follower<A, B>(follower_kind::bias_relu);
};
template <int Index, class Shape, bool PerSample, leaf_content Content>
struct follower_of<apply<function::relu, leaf<operand_tag<Index>, Shape, PerSample, Content>>> {
    static constexpr follower value{follower_kind::relu, Index, -1, memory_axes_of(extents_of<Shape>()).columns(), false};
};
template <class To, int Index, class Shape, leaf_content Content>
struct follower_of<compute<primitive::sum_to<To, false>, leaf<operand_tag<Index>, Shape, true, Content>>> {
    static constexpr follower value = [] {
        // As they would be added to each row.
        using matrix = leaf<operand_tag<Index>, Shape, true, Content>;
        constexpr access sums = lockstep::detail::access_of<leaf<operand_tag<Index>, To, false>, matrix>();
        if (!sums.is_row() || sums.axes.column_step() != 1) return follower{};
        return follower{follower_kind::column_sums, Index, -1, sums.axes.columns(), false};
    }();
};

} // namespace lockstep::grid
