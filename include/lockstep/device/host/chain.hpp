// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/access.hpp>
#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/host/random.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/program/type_list.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace lockstep::host {

/// The code of an elementwise chain over numbered operands: columns of a constant count, which is what the
/// vectorizer wants, also where a bias is read along the columns. Every element is computed by the same arithmetic
/// wherever in a loop it falls.
template <class T, class E>
class chain {
public:
    static constexpr memory_axes axes = memory_axes_of(extents_of<typename E::result_shape>());
    static constexpr std::int64_t columns = axes.columns();
    static constexpr std::int64_t sample_rows = axes.rows();

private:
    using streams = typename lockstep::detail::streams_of<lockstep::detail::type_list<>, E>::type;

public:
    /// Where the operands of some elements lie, and what else their values depend on.
    struct place {
        kernel_call const* call;
        void const* of[max_operands];
        std::uint64_t sample;
        /// The first of the row's Philox blocks, counted within a sample.
        std::uint32_t random_block;
        /// For each stream the words of the columns from `first` on, once they have been drawn.
        std::uint32_t const* words[std::max(1, streams::size)];
        std::int64_t first;
    };

    /// Every operand is read like the result or is one number: one loop over all elements.
    static constexpr bool flat = [] {
        bool result = !lockstep::detail::holds_random<E> && !lockstep::detail::holds_index<E>;
        for (access const& a : lockstep::detail::access_table_of<E>) result = result && (!a.used || a.aligned || a.is_scalar());
        return result;
    }();
    /// Besides those, vectors along the columns.
    static constexpr bool rowwise = [] {
        bool result = !lockstep::detail::holds_random<E>;
        for (access const& a : lockstep::detail::access_table_of<E>) result = result && (!a.used || a.aligned || a.is_row());
        return result;
    }();

    /// Rows of the result for a call's samples.
    static std::int64_t rows(kernel_call const& call) { return E::per_sample ? call.samples * sample_rows : sample_rows; }

    /// Element `first` of all, for flat chains.
    static place at_element(kernel_call const& call, std::int64_t first) {
        place at{&call, {}, 0, 0, {}, 0};
        for (std::size_t i = 0; i != reads.size(); ++i)
            if (reads[i].used) at.of[i] = call.operand<T>(static_cast<int>(i)) + (reads[i].aligned ? first : 0);
        return at;
    }
    /// Row `row` of all samples'.
    static place at_row(kernel_call const& call, std::int64_t row) {
        if constexpr (rowwise) return at_element(call, row * columns);
        else {
            std::int64_t const sample = E::per_sample ? row / sample_rows : 0;
            std::int64_t const inside = row - sample * sample_rows;
            place at{&call, {}, static_cast<std::uint64_t>(call.random.first_sample + sample),
                     static_cast<std::uint32_t>(inside * row_blocks), {}, 0};
            find_operands(at, row, sample, inside, std::make_integer_sequence<int, operand_count>{});
            return at;
        }
    }

    [[gnu::always_inline]] static T value(place const& at, std::int64_t column) { return element<E>::at(at, column); }

    template <int Count>
    static void block(T* out, place const& at, std::int64_t first) {
        if constexpr (streams::size == 0) loop<Count>(out, at, first);
        else {
            place drawn = at;
            std::uint32_t words[streams::size][(Count + words_drawn - 1) / words_drawn * words_drawn];
            draw(drawn, first, words, streams{});
            loop<Count>(out, drawn, first);
        }
    }

    /// into[i] combined with column first + i of one row after the other.
    template <class Operation, int Count, int Rows>
    static void combine_block(T* into, place const (&rows)[Rows], std::int64_t first) {
        if constexpr (streams::size != 0) {
            T values[Count];
            for (place const& at : rows) {
                block<Count>(values, at, first);
                for (int i = 0; i < Count; ++i) into[i] = Operation::combine(into[i], values[i]);
            }
        } else {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
            for (int i = 0; i < Count; ++i)
                into[i] = combined<Operation>(into[i], rows, first + i, std::make_integer_sequence<int, Rows>{});
        }
    }

private:
    static constexpr int operand_count = lockstep::detail::operand_count<E>;
    static constexpr auto reads = lockstep::detail::access_table_of<E>;

    template <class Operation, int Rows, int... Row>
    [[gnu::always_inline]] static T combined(T into, place const (&rows)[Rows], std::int64_t column,
                                             std::integer_sequence<int, Row...>) {
        ((into = Operation::combine(into, value(rows[Row], column))), ...);
        return into;
    }

    /// Each by its own code, where all that is constant is worked out.
    template <int... Index>
    [[gnu::always_inline]] static void find_operands(place& at, [[maybe_unused]] std::int64_t row, [[maybe_unused]] std::int64_t sample,
                                                     [[maybe_unused]] std::int64_t inside, std::integer_sequence<int, Index...>) {
        (find_operand<Index>(at, row, sample, inside), ...);
    }
    template <int Index>
    [[gnu::always_inline]] static void find_operand(place& at, std::int64_t row, std::int64_t sample,
                                                    std::int64_t inside) {
        constexpr access a = reads[Index];
        if constexpr (a.used) {
            using element_type = std::conditional_t<a.class_index, std::int32_t, T>;
            element_type const* const first = at.call->template operand<element_type>(Index);
            if constexpr (a.aligned) at.of[Index] = first + row * columns;
            else at.of[Index] = first + sample * a.sample_size + offset_of_row<operand_axes<Index>>(inside);
        }
    }
    template <int Index>
    struct operand_axes {
        static constexpr memory_axes value = reads[Index].axes;
    };

    // A loop of a constant, even count vectorizes at any level of optimization, without a check for overlap
    // (the result is disjoint from its operands or the same element) and without a remainder.
    template <int Count>
    [[gnu::always_inline]] static void loop(T* out, place const& at, std::int64_t first) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (int i = 0; i < Count; ++i) out[i] = value(at, first + i);
    }

    /// Philox blocks for a row: every 32 columns have eight, see draw_words. They depend on nothing else, so every
    /// way to cut a row into loops finds the same numbers. Loops start at multiples of 32 or stay within 32 columns.
    static constexpr std::int64_t row_blocks = (columns + words_drawn - 1) / words_drawn * 8;

    template <int Size, int Streams, class... Stream>
    [[gnu::always_inline]] static void draw(place& at, std::int64_t first, std::uint32_t (&words)[Streams][Size],
                                            lockstep::detail::type_list<Stream...>) {
        std::int64_t const drawn = first / words_drawn;
        at.first = drawn * words_drawn;
        int index = 0;
        auto const draw_one = [&](int stream) {
            auto const layer = static_cast<std::uint32_t>(at.call->group << 8 | stream);
            for (int i = 0; i < Size / words_drawn; ++i)
                draw_words({at.random_block + static_cast<std::uint32_t>(drawn + i) * 8,
                            static_cast<std::uint32_t>(at.sample), layer, at.call->random.step},
                           at.call->random.key, words[index] + i * words_drawn);
            at.words[index] = words[index];
            ++index;
        };
        (draw_one(Stream::value), ...);
    }

    template <class X>
    struct element;
    template <int Index, class Shape, bool PerSample, leaf_content Content>
    struct element<leaf<operand_tag<Index>, Shape, PerSample, Content>> {
        static T at(place const& p, std::int64_t column) {
            constexpr access own = reads[Index];
            constexpr std::int64_t step = flat ? (own.aligned ? 1 : 0) : own.axes.column_step();
            if constexpr (Content == leaf_content::class_index)
                return static_cast<T>(static_cast<std::int32_t const*>(p.of[Index])[column * step]);
            else return static_cast<T const*>(p.of[Index])[column * step];
        }
    };
    template <double Value>
    struct element<literal<Value>> {
        static T at(place const&, std::int64_t) { return static_cast<T>(Value); }
    };
    template <class Shape, bool PerSample>
    struct element<column_index<Shape, PerSample>> {
        static T at(place const&, std::int64_t column) { return static_cast<T>(column); }
    };
    template <class X>
        requires std::same_as<X, sample_count>
    struct element<X> {
        static T at(place const& p, std::int64_t) { return static_cast<T>(p.call->samples); }
    };
    template <int Stream, class Shape>
    struct element<uniform_random<Stream, Shape>> {
        static T at(place const& p, std::int64_t column) {
            constexpr int index = lockstep::detail::index_of<std::integral_constant<int, Stream>, streams>;
            // 24 bits, as an int because more processors convert these to float.
            auto const bits = static_cast<std::int32_t>(p.words[index][column - p.first] >> 8);
            return static_cast<T>(bits) * static_cast<T>(0x1p-24);
        }
    };
    template <class Function, class... Operands>
    struct element<apply<Function, Operands...>> {
        [[gnu::always_inline]] static T at(place const& p, std::int64_t column) {
            return Function::apply(element<Operands>::at(p, column)...);
        }
    };
};

} // namespace lockstep::host
