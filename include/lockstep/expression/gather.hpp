// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/shape/broadcast.hpp>

namespace lockstep {

namespace primitive {

/// The sum of rows that have the same index: what reaches row v of a table of Rows rows is the sum of x's rows whose
/// index is v, over all samples. The gradient of gather.
template <int Rows>
struct scatter_sum;

/// The rows of a table[V, E] that indices[...] (int32) name: [..., E].
struct gather {
    static constexpr char const* name = "gather";
    template <class Table, class Index>
    struct row_for_each {
        static constexpr extents value = [] {
            extents result = extents_of<typename Index::result_shape>();
            result.extent[result.rank++] = Table::result_shape::extents[1];
            return result;
        }();
    };
    template <class Table, class Index>
    using result_shape = shape_from<row_for_each<Table, Index>>;
    template <class, class Index>
    static constexpr bool per_sample = Index::per_sample;
    template <class, class>
    static constexpr double flops = 0.0;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto table, auto index) {
        static_assert(Operand == 0, "an index has no gradient");
        return compute<scatter_sum<decltype(table)::result_shape::extents[0]>, decltype(upstream), decltype(index)>{};
    }
};

template <int Rows>
struct scatter_sum {
    static constexpr char const* name = "scatter sum";
    template <class X, class>
    using result_shape = shape<Rows, X::result_shape::extents[X::result_shape::rank - 1]>;
    template <class, class>
    static constexpr bool per_sample = false;
    template <class X, class>
    static constexpr double flops = static_cast<double>(X::result_shape::size);

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto, auto index) {
        static_assert(Operand == 0, "an index has no gradient");
        return compute<gather, decltype(upstream), decltype(index)>{};
    }
};

} // namespace primitive

/// The names of a broken rule.
template <class Table, class Index>
struct gather_takes_a_shared_table_of_rows {};

namespace detail {
template <class Table>
concept table_of_rows = expression<Table> && !Table::per_sample && Table::result_shape::rank == 2;
}

/// table[V, E], index [...] of int32 -> [..., E]: an embedding.
template <expression Table, expression Index>
    requires detail::table_of_rows<Table>
constexpr auto gather(Table, Index) {
    return compute<primitive::gather, Table, Index>{};
}
template <expression Table, expression Index,
          class Rule = gather_takes_a_shared_table_of_rows<typename Table::result_shape, typename Index::result_shape>>
    requires(!detail::table_of_rows<Table>)
Rule gather(Table, Index) = delete;

} // namespace lockstep
