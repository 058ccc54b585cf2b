// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/access.hpp>
#include <lockstep/device/grid/call.hpp>

#include <cstdint>
#include <type_traits>

namespace lockstep::grid {

/// One element of an elementwise chain over numbered operands: of sample `sample`, in its row `row` (counted within the
/// sample) and column `column`, see memory_order.hpp.
template <class T, class E>
class element_of {
public:
    static constexpr memory_axes axes = memory_axes_of(extents_of<typename E::result_shape>());
    static constexpr std::int64_t columns = axes.columns();
    static constexpr std::int64_t sample_rows = axes.rows();
    static constexpr std::int64_t sample_size = columns * sample_rows;

    /// Elements of the result.
    static constexpr std::int64_t size(call const& c) { return sample_size * (E::per_sample ? c.samples : 1); }

    /// Of the result, element `index` in the order of memory.
    static constexpr T at(call const& c, std::int64_t index) { return at(c, index, in_memory{}); }
    /// The same, of operands of the result's shape that `aligned` has: aligned.template element<Index>(call, index).
    static constexpr T at(call const& c, std::int64_t index, auto const& aligned) {
        std::int64_t const row = index / columns, sample = E::per_sample ? row / sample_rows : 0;
        return node<E>::at(c, {index, sample, row - sample * sample_rows, index - row * columns}, aligned);
    }
    static constexpr T at(call const& c, std::int64_t sample, std::int64_t row, std::int64_t column) {
        return node<E>::at(c, {(sample * sample_rows + row) * columns + column, sample, row, column}, in_memory{});
    }

    template <int Index>
    using stored_operand = typename stored_content<T, lockstep::detail::access_table_of<E>[Index].content>::type;

private:
    struct place {
        std::int64_t index, sample, row, column;
    };
    struct in_memory {
        template <int Index>
        static constexpr T element(call const& c, std::int64_t index) {
            return static_cast<T>(c.template operand<stored_operand<Index>>(Index)[index]);
        }
    };

    template <int Index>
    struct operand_axes {
        static constexpr memory_axes value = lockstep::detail::access_table_of<E>[Index].axes;
    };

    template <class X>
    struct node;
    template <int Index, class Shape, bool PerSample, leaf_content Content>
    struct node<leaf<operand_tag<Index>, Shape, PerSample, Content>> {
        static constexpr T at(call const& c, place const& p, auto const& aligned) {
            constexpr access own = lockstep::detail::access_table_of<E>[Index];
            if constexpr (own.aligned) return aligned.template element<Index>(c, p.index);
            else
                return static_cast<T>(c.template operand<stored_operand<Index>>(Index)[p.sample * own.sample_size + offset_of_row<operand_axes<Index>>(p.row) +
                                               p.column * own.axes.column_step()]);
        }
    };
    template <double Value>
    struct node<literal<Value>> {
        static constexpr T at(call const&, place const&, auto const&) { return static_cast<T>(Value); }
    };
    template <class Shape, bool PerSample>
    struct node<column_index<Shape, PerSample>> {
        static constexpr T at(call const&, place const& p, auto const&) { return static_cast<T>(p.column); }
    };
    template <class X>
        requires std::same_as<X, sample_count>
    struct node<X> {
        static constexpr T at(call const& c, place const&, auto const&) { return static_cast<T>(c.samples); }
    };
    /// The same numbers as on a host, whose kernels draw 32 columns at once, see host::draw_words.
    template <int Stream, class Shape>
    struct node<uniform_random<Stream, Shape>> {
        static constexpr T at(call const& c, place const& p, auto const&) {
            constexpr std::int64_t row_blocks = (columns + 31) / 32 * 8;
            auto const column = static_cast<std::uint32_t>(p.column % 32);
            auto const block = static_cast<std::uint32_t>(p.row * row_blocks + p.column / 32 * 8 + column % 16 / 2);
            auto const words = philox({block, static_cast<std::uint32_t>(c.first_sample + p.sample),
                                       static_cast<std::uint32_t>(c.group << 8 | Stream), *c.step},
                                      c.key);
            auto const bits = static_cast<std::int32_t>(words[column / 16 * 2 + column % 2] >> 8);
            return static_cast<T>(bits) * static_cast<T>(0x1p-24);
        }
    };
    template <class Function, class... Operands>
    struct node<apply<Function, Operands...>> {
        static constexpr T at(call const& c, place const& p, auto const& aligned) { return Function::apply(node<Operands>::at(c, p, aligned)...); }
    };
};

} // namespace lockstep::grid
