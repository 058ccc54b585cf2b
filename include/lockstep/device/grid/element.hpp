// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/access.hpp>
#include <lockstep/device/grid/call.hpp>
#include <lockstep/program/type_list.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lockstep::grid {

/// One element of an elementwise chain over numbered operands: of sample `sample`, in its row `row` (counted within the
/// sample) and column `column`, see memory_order.hpp.
template <class T, class E>
class element_of {
    /// Of random numbers that it draws.
    using streams = typename lockstep::detail::streams_of<lockstep::detail::type_list<>, E>::type;

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
        return one(c, index, sample, row - sample * sample_rows, index - row * columns, aligned);
    }
    static constexpr T at(call const& c, std::int64_t sample, std::int64_t row, std::int64_t column) {
        return one(c, (sample * sample_rows + row) * columns + column, sample, row, column, in_memory{});
    }

    /// Whether four elements draw their random numbers from the same blocks of words: two neighbours in a row, and those 16
    /// columns behind them.
    static constexpr bool draws_fours = streams::size > 0 && columns % 32 == 0;
    /// Of the result, such four, to where they are in `out`. There are size(c) / 4 of them.
    template <class R>
    static constexpr void put_four(call const& c, std::int64_t number, R* out)
        requires draws_fours
    {
        std::int64_t const row_of_all = number / (columns / 4), in_row = number % (columns / 4);
        std::int64_t const sample = row_of_all / sample_rows, row = row_of_all - sample * sample_rows;
        std::int64_t const first = in_row / 8 * 32 + in_row % 8 * 2;
        blocks const drawn = blocks_of(c, sample, row, first, streams{});
        auto const column = [first](int word) { return first + word / 2 * 16 + word % 2; };
        T values[4] = {};
        for (int word = 0; word < 4; ++word)
            values[word] = value(c, row_of_all * columns + column(word), sample, row, column(word), word, drawn, in_memory{});
        for (int word = 0; word < 4; ++word) out[row_of_all * columns + column(word)] = values[word];
    }

    template <int Index>
    using stored_operand = typename stored_content<T, lockstep::detail::access_table_of<E>[Index].content>::type;

private:
    /// Of each stream, the block of words that an element's is in.
    using blocks = std::array<std::array<std::uint32_t, 4>, static_cast<std::size_t>(streams::size)>;

    struct place {
        std::int64_t index, sample, row, column;
        /// The random word of each stream.
        std::array<std::uint32_t, static_cast<std::size_t>(streams::size)> words;
    };
    struct in_memory {
        template <int Index>
        static constexpr T element(call const& c, std::int64_t index) {
            return static_cast<T>(c.template operand<stored_operand<Index>>(Index)[index]);
        }
    };

    /// The same words as on a host, whose kernels draw those of 32 columns at once, see host::draw_words.
    template <class... Stream>
    static constexpr blocks blocks_of([[maybe_unused]] call const& c, [[maybe_unused]] std::int64_t sample,
                                      [[maybe_unused]] std::int64_t row, [[maybe_unused]] std::int64_t column,
                                      lockstep::detail::type_list<Stream...>) {
        return {philox({block_of(row, column), static_cast<std::uint32_t>(c.first_sample + sample),
                        static_cast<std::uint32_t>(c.group << 8 | Stream::value), *c.step},
                       c.key)...};
    }
    static constexpr std::uint32_t block_of(std::int64_t row, std::int64_t column) {
        constexpr std::int64_t row_blocks = (columns + 31) / 32 * 8;
        return static_cast<std::uint32_t>(row * row_blocks + column / 32 * 8 + column % 16 / 2);
    }

    template <int Index>
    struct operand_axes {
        static constexpr memory_axes value = lockstep::detail::access_table_of<E>[Index].axes;
    };

    static constexpr T one(call const& c, std::int64_t index, std::int64_t sample, std::int64_t row, std::int64_t column,
                           auto const& aligned) {
        int const word = static_cast<int>(column % 32 / 16 * 2 + column % 2);
        return value(c, index, sample, row, column, word, blocks_of(c, sample, row, column, streams{}), aligned);
    }
    static constexpr T value(call const& c, std::int64_t index, std::int64_t sample, std::int64_t row, std::int64_t column,
                             [[maybe_unused]] int word, [[maybe_unused]] blocks const& drawn, auto const& aligned) {
        place p{index, sample, row, column, {}};
        if constexpr (streams::size > 0)
            for (std::size_t stream = 0; stream < drawn.size(); ++stream)
                p.words[stream] = drawn[stream][static_cast<std::size_t>(word)];
        return node<E>::at(c, p, aligned);
    }

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
    template <class X>
        requires std::same_as<X, loss_scale>
    struct node<X> {
        static constexpr T at(call const& c, place const&, auto const&) { return static_cast<T>(*c.loss_scale); }
    };
    template <int Stream, class Shape>
    struct node<uniform_random<Stream, Shape>> {
        static constexpr T at(call const&, place const& p, auto const&) {
            constexpr int index = lockstep::detail::index_of<std::integral_constant<int, Stream>, streams>;
            auto const bits = static_cast<std::int32_t>(p.words[static_cast<std::size_t>(index)] >> 8);
            return static_cast<T>(bits) * static_cast<T>(0x1p-24);
        }
    };
    template <class Function, class... Operands>
    struct node<apply<Function, Operands...>> {
        static constexpr T at(call const& c, place const& p, auto const& aligned) { return Function::apply(node<Operands>::at(c, p, aligned)...); }
    };
};

} // namespace lockstep::grid
