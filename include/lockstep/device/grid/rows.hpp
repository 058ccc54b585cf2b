// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/rows.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <cstdint>

namespace lockstep::grid {

/// Members for rows of so many columns: a warp reduces without the other warps of its block, as long as it has not too
/// much to do alone.
constexpr int members_for_row(std::int64_t columns) { return columns <= 1024 ? 32 : columns <= 8192 ? 256 : 1024; }

/// The rows of an operand, each a unit.
template <class T, class X>
struct rows_of_operand {
    static constexpr memory_rows layout = rows_of(extents_of<typename X::result_shape>());
    static constexpr int columns = static_cast<int>(layout.columns);

    static constexpr std::int64_t units(call const& c) { return layout.rows * (X::per_sample ? c.samples : 1); }
    static constexpr auto row(call const& c, std::int64_t unit) { return elements_of<T, X>(c) + unit * columns; }
};
template <class T, class R, class X>
struct row_kernel : kernel_base<members_for_row(rows_of_operand<T, X>::columns)>, rows_of_operand<T, X> {
protected:
    /// One of the members writes what all have.
    static constexpr void store(call const& c, std::int64_t unit, T value, auto const& group) {
        group.phase([&](int member) {
            if (member == 0) c.out<R>()[unit] = value;
        });
    }
};

template <class T, class R, class X>
struct softmax : row_kernel<T, R, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, nothing_shared&) {
        constexpr int columns = rows_of_operand<T, X>::columns;
        rows::softmax<columns, T>(softmax::row(c, unit), c.out<R>() + unit * columns, group);
    }
};

template <class T, class R, class X>
struct logsumexp : row_kernel<T, R, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, nothing_shared&) {
        logsumexp::store(c, unit, rows::logsumexp<logsumexp::columns, T>(logsumexp::row(c, unit), group), group);
    }
};

template <class T, class R, class X>
struct argmax : row_kernel<T, R, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, nothing_shared&) {
        int const column = rows::argmax<argmax::columns, T>(argmax::row(c, unit), group);
        argmax::store(c, unit, static_cast<T>(column), group);
    }
};

/// A thread a row; an index that is no column of the row picks 0.
template <class T, class R, class X, class Index>
struct pick : kernel_base<1>, rows_of_operand<T, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        std::int32_t const column = elements_of<T, Index>(c)[unit];
        c.out<R>()[unit] = column >= 0 && column < pick::columns ? static_cast<T>(pick::row(c, unit)[column]) : T(0);
    }
};

template <class T, class X, class R>
struct kernels_for<T, compute<primitive::softmax, X>, R> {
    using type = passes<softmax<T, R, X>>;
};
template <class T, class X, class R>
struct kernels_for<T, compute<primitive::logsumexp, X>, R> {
    using type = passes<logsumexp<T, R, X>>;
};
template <class T, class X, class R>
struct kernels_for<T, compute<primitive::argmax, X>, R> {
    using type = passes<argmax<T, R, X>>;
};
template <class T, class X, class Index, class R>
struct kernels_for<T, compute<primitive::pick, X, Index>, R> {
    using type = passes<pick<T, R, X, Index>>;
};

} // namespace lockstep::grid
