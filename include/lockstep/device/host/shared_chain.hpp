// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/chain.hpp>

#include <cstdint>
#include <type_traits>

/// Most chains are the same code whatever their shape: read flat, they are one loop over so many elements; read by
/// rows whose columns are whole blocks, a loop over so many blocks. They are compiled once for all shapes, with the
/// numbers of rows and columns as arguments: a net of many widths is compiled much faster, and runs no slower.
namespace lockstep::host {

/// Columns of a block: a loop of a constant count.
inline constexpr std::int64_t shared_columns = 64;

namespace detail {

/// A leaf as all shapes read it alike: like the result, along its columns, or as one number.
template <class E, class X>
struct shared_leaf {
    using type = X;
};
template <class E, int Index, class Shape, bool PerSample, leaf_content Content>
struct shared_leaf<E, leaf<operand_tag<Index>, Shape, PerSample, Content>> {
    static constexpr access own = lockstep::detail::access_table_of<E>[Index];
    using type = leaf<operand_tag<Index>, std::conditional_t<own.aligned || own.axes.column_step() != 0, shape<shared_columns>, shape<>>,
                      own.aligned, Content>;
};
template <class E, class Shape, bool PerSample>
struct shared_leaf<E, column_index<Shape, PerSample>> {
    using type = column_index<shape<shared_columns>, true>;
};
template <class E, class Function, class... Operands>
struct shared_leaf<E, apply<Function, Operands...>> {
    using type = apply<Function, typename shared_leaf<E, Operands>::type...>;
};

} // namespace detail

/// Whether a chain is one of these.
template <class T, class E>
inline constexpr bool has_shared_form =
    chain<T, E>::flat || (chain<T, E>::rowwise && chain<T, E>::columns % shared_columns == 0);

/// What it is for all shapes; any other chain is itself.
template <class T, class E>
using shared_form = typename std::conditional_t<has_shared_form<T, E>, detail::shared_leaf<E, E>, std::type_identity<E>>::type;

/// Rows of a chain in its shared form.
template <class T, class E>
struct shared_rows {
    using code = chain<T, E>;

    // A call, not a copy in each of those who share it.
    [[gnu::noinline]] static void run(kernel_call const& call, T* out, std::int64_t first_row, std::int64_t rows,
                                      std::int64_t columns) {
        if constexpr (code::flat) run_flat(call, out, first_row * columns, rows * columns);
        else
            for (std::int64_t row = first_row; row < first_row + rows; ++row) {
                auto const at = code::at_element(call, row * columns);
                for (std::int64_t first = 0; first < columns; first += shared_columns)
                    code::template block<shared_columns>(out + row * columns + first, at, first);
            }
    }

private:
    static void run_flat(kernel_call const& call, T* out, std::int64_t begin, std::int64_t size) {
        auto const at = code::at_element(call, begin);
        out += begin;
        std::int64_t first = 0;
        for (; size - first >= shared_columns; first += shared_columns)
            code::template block<shared_columns>(out + first, at, first);
        for (; size - first >= 8; first += 8) code::template block<8>(out + first, at, first);
        int const rest = static_cast<int>(static_cast<std::uint64_t>(size) % 8);
        for (int i = 0; i < rest; ++i) code::template block<1>(out + first + i, at, first + i);
    }
};

} // namespace lockstep::host
