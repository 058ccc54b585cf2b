// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <array>
#include <cstdint>

namespace lockstep::host {

/// How an operand is read along the axes of an elementwise chain's result.
struct access {
    bool used = false;
    bool class_index = false;
    bool per_sample = false;
    std::int64_t sample_size = 0;
    /// The result's axes in memory with the operand's steps.
    memory_axes axes;
    /// The operand has the result's shape.
    bool aligned = false;

    /// One value for all elements.
    constexpr bool is_scalar() const { return !per_sample && !class_index && !varies_by_row() && axes.column_step() == 0; }
    /// One vector for all rows.
    constexpr bool is_row() const { return !per_sample && !class_index && !varies_by_row(); }

private:
    constexpr bool varies_by_row() const {
        for (int i = 0; i + 1 < axes.count; ++i)
            if (axes.step[i] != 0) return true;
        return false;
    }
};

namespace detail {

template <class Leaf, class Result>
constexpr access access_of() {
    access a;
    a.used = true;
    a.class_index = Leaf::content == leaf_content::class_index;
    a.per_sample = Leaf::per_sample;
    a.sample_size = Leaf::per_sample ? Leaf::result_shape::size : 0;
    a.axes = broadcast_steps(extents_of<typename Leaf::result_shape>(), extents_of<typename Result::result_shape>());
    a.aligned = std::is_same_v<typename Leaf::result_shape, typename Result::result_shape> &&
                Leaf::per_sample == Result::per_sample && !a.class_index;
    return a;
}

using access_table = std::array<access, max_operands>;

template <class Result, class E>
struct collect_access {
    static constexpr void into(access_table&) {}
};
template <class Result, int Index, class Shape, bool PerSample, leaf_content Content>
struct collect_access<Result, leaf<operand_tag<Index>, Shape, PerSample, Content>> {
    static constexpr void into(access_table& table) {
        table[Index] = access_of<leaf<operand_tag<Index>, Shape, PerSample, Content>, Result>();
    }
};
template <class Result, class Function, class... Operands>
struct collect_access<Result, apply<Function, Operands...>> {
    static constexpr void into(access_table& table) { (collect_access<Result, Operands>::into(table), ...); }
};

/// How each operand of a chain is read.
template <class E>
inline constexpr access_table access_table_of = [] {
    access_table result{};
    collect_access<E, E>::into(result);
    return result;
}();

template <class E>
inline constexpr bool holds_index = false;
template <class Shape, bool PerSample>
inline constexpr bool holds_index<column_index<Shape, PerSample>> = true;
template <class Function, class... Operands>
inline constexpr bool holds_index<apply<Function, Operands...>> = (holds_index<Operands> || ...);

} // namespace detail

/// The code of an elementwise chain over numbered operands: columns of a constant count, which is what the
/// vectorizer wants, also where a bias is read along the columns. Every element is computed by the same arithmetic
/// wherever in a loop it falls.
template <class T, class E>
class chain {
public:
    static constexpr memory_axes axes = memory_axes_of(extents_of<typename E::result_shape>());
    static constexpr std::int64_t columns = axes.columns();
    static constexpr std::int64_t sample_rows = axes.rows();

    /// Where the operands of some elements lie, and what else their values depend on.
    struct place {
        kernel_call const* call;
        void const* of[max_operands];
        std::uint64_t sample;
        std::uint32_t first_element;
    };

    /// Every operand is read like the result or is one number: one loop over all elements.
    static constexpr bool flat = [] {
        bool result = !lockstep::detail::holds_random<E> && !detail::holds_index<E>;
        for (access const& a : detail::access_table_of<E>) result = result && (!a.used || a.aligned || a.is_scalar());
        return result;
    }();
    /// Besides those, vectors along the columns.
    static constexpr bool rowwise = [] {
        bool result = !lockstep::detail::holds_random<E>;
        for (access const& a : detail::access_table_of<E>) result = result && (!a.used || a.aligned || a.is_row());
        return result;
    }();

    /// Rows of the result for a call's samples.
    static std::int64_t rows(kernel_call const& call) { return E::per_sample ? call.samples * sample_rows : sample_rows; }

    /// Element `first` of all, for flat chains.
    static place at_element(kernel_call const& call, std::int64_t first) {
        place at{&call, {}, 0, 0};
        for (int i = 0; i < max_operands; ++i)
            if (reads[i].used) at.of[i] = call.operand<T>(i) + (reads[i].aligned ? first : 0);
        return at;
    }
    /// Row `row` of all samples'.
    static place at_row(kernel_call const& call, std::int64_t row) {
        if constexpr (rowwise) return at_element(call, row * columns);
        else {
            std::int64_t const sample = E::per_sample ? row / sample_rows : 0;
            std::int64_t const inside = row - sample * sample_rows;
            place at{&call, {}, static_cast<std::uint64_t>(call.random.first_sample + sample),
                     static_cast<std::uint32_t>(inside * columns)};
            for (int i = 0; i < max_operands; ++i) {
                access const& a = reads[i];
                if (!a.used) continue;
                std::int64_t const offset = sample * a.sample_size + a.axes.offset_of_row(inside);
                if (a.class_index) at.of[i] = call.operand<std::int32_t>(i) + offset;
                else at.of[i] = call.operand<T>(i) + offset;
            }
            return at;
        }
    }

    [[gnu::always_inline]] static T value(place const& at, std::int64_t column) { return element<E>::at(at, column); }

    // A loop of a constant, even count vectorizes at any level of optimization, without a check for overlap
    // (the result is disjoint from its operands or the same element) and without a remainder.
    template <int Count>
    static void block(T* out, place const& at, std::int64_t first) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (int i = 0; i < Count; ++i) out[i] = value(at, first + i);
    }

private:
    static constexpr detail::access_table reads = detail::access_table_of<E>;

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
            kernel_call const& call = *p.call;
            std::uint32_t const layer = static_cast<std::uint32_t>(call.group) << 8 | static_cast<std::uint32_t>(Stream);
            auto const bits = philox({p.first_element + static_cast<std::uint32_t>(column),
                                      static_cast<std::uint32_t>(p.sample), layer, call.random.step},
                                     call.random.key)[0];
            return static_cast<T>(bits >> 8) * static_cast<T>(0x1p-24);
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
