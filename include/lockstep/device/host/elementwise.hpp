// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/broadcast.hpp>

#include <cstdint>

namespace lockstep::host {

/// How an operand is read along the rows and columns of an elementwise kernel's result.
struct access {
    bool used = false;
    bool class_index = false;
    bool per_sample = false;
    std::int64_t sample_size = 0;
    /// 1, or 0 where one value serves a whole row.
    std::int64_t column_step = 0;
    std::int64_t columns = 0;
    /// Rows as (axis before the last in memory, last): how far a step along each leads.
    std::int64_t outer_step = 0, inner_step = 0;
    /// The operand has the result's shape.
    bool aligned = false;
};

namespace detail {

/// A shape as in memory: [outer][inner][columns], images channels-last.
struct memory_axes {
    std::int64_t outer = 1, inner = 1, columns = 1;
};
constexpr memory_axes axes_of(extents const& value) {
    if (value.rank == 0) return {};
    if (value.rank == 1) return {1, 1, value.extent[0]};
    if (value.rank == 2) return {1, value.extent[0], value.extent[1]};
    if (value.rank == 3) return {value.extent[1], value.extent[2], value.extent[0]};
    std::int64_t const columns = value.extent[value.rank - 1];
    return {1, value.size() / columns, columns};
}

template <class Leaf, class Result>
constexpr access access_of() {
    memory_axes const from = axes_of(extents_of<typename Leaf::result_shape>());
    memory_axes const to = axes_of(extents_of<typename Result::result_shape>());
    access a;
    a.used = true;
    a.class_index = Leaf::content == leaf_content::class_index;
    a.per_sample = Leaf::per_sample;
    a.sample_size = Leaf::per_sample ? Leaf::result_shape::size : 0;
    a.columns = from.columns;
    a.column_step = from.columns == to.columns && to.columns > 1 ? 1 : 0;
    a.inner_step = from.inner > 1 ? from.columns : 0;
    a.outer_step = from.outer > 1 ? from.inner * from.columns : 0;
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

template <class E>
inline constexpr bool holds_index = false;
template <class Shape, bool PerSample>
inline constexpr bool holds_index<column_index<Shape, PerSample>> = true;
template <class Function, class... Operands>
inline constexpr bool holds_index<apply<Function, Operands...>> = (holds_index<Operands> || ...);

} // namespace detail

/// An elementwise expression over numbered operands, evaluated in one pass over its result. Rows outside,
/// columns of a constant count inside: that is what the vectorizer wants, also where a bias is read along the
/// columns. Every element is computed by the same arithmetic wherever in a loop it falls.
template <class T, class E>
class elementwise {
public:
    static void run(kernel_call const& call) {
        run_rows(call, 0, E::per_sample ? call.samples * sample_rows : sample_rows);
        call.tail(0, E::per_sample ? call.samples * sample_rows : sample_rows);
    }

    static void run_rows(kernel_call const& call, std::int64_t first_row, std::int64_t rows) {
        T* const out = static_cast<T*>(call.result);
        if constexpr (flat) {
            pointers const at = flat_pointers(call, first_row * columns);
            flat_blocks(out + first_row * columns, at, rows * columns);
        } else if constexpr (rowwise) {
            for (std::int64_t row = first_row; row < first_row + rows; ++row)
                row_blocks(out + row * columns, row_pointers(call, row), generator{});
        } else {
            for (std::int64_t row = first_row; row < first_row + rows; ++row) {
                std::int64_t const sample = E::per_sample ? row / sample_rows : 0;
                std::int64_t const inside = row - sample * sample_rows;
                generator const random{&call, static_cast<std::uint64_t>(call.random.first_sample + sample),
                                       static_cast<std::uint32_t>(inside * columns)};
                row_blocks(out + row * columns, pointers_at(call, sample, inside), random);
            }
        }
    }

private:
    static constexpr detail::memory_axes axes = detail::axes_of(extents_of<typename E::result_shape>());
    static constexpr std::int64_t columns = axes.columns;
    static constexpr std::int64_t sample_rows = axes.outer * axes.inner;
    static constexpr detail::access_table table = [] {
        detail::access_table result{};
        detail::collect_access<E, E>::into(result);
        return result;
    }();

    template <class Rule>
    static constexpr bool all(Rule rule) {
        for (access const& a : table)
            if (a.used && !rule(a)) return false;
        return true;
    }
    static constexpr bool is_scalar(access const& a) {
        return !a.per_sample && a.columns == 1 && a.inner_step == 0 && a.outer_step == 0 && !a.class_index;
    }
    static constexpr bool random_free = !lockstep::detail::holds_random<E>;
    static constexpr bool index_free = !detail::holds_index<E>;
    /// Every operand is read like the result or is one number: one loop over all elements.
    static constexpr bool flat =
        random_free && index_free && all([](access const& a) { return a.aligned || is_scalar(a); });
    /// Besides those, vectors along the columns.
    static constexpr bool rowwise = random_free && all([](access const& a) {
        bool const along_columns = !a.per_sample && a.inner_step == 0 && a.outer_step == 0 && !a.class_index;
        return a.aligned || along_columns;
    });

    struct pointers {
        void const* of[max_operands];
    };
    struct generator {
        kernel_call const* call = nullptr;
        std::uint64_t sample = 0;
        std::uint32_t first_element = 0;
    };

    static pointers flat_pointers(kernel_call const& call, std::int64_t first) {
        pointers at{};
        for (int i = 0; i < max_operands; ++i)
            if (table[i].used) at.of[i] = call.operand<T>(i) + (table[i].aligned ? first : 0);
        return at;
    }
    static pointers row_pointers(kernel_call const& call, std::int64_t row) {
        pointers at{};
        for (int i = 0; i < max_operands; ++i)
            if (table[i].used) at.of[i] = call.operand<T>(i) + (table[i].aligned ? row * columns : 0);
        return at;
    }
    static pointers pointers_at(kernel_call const& call, std::int64_t sample, std::int64_t row) {
        pointers at{};
        std::int64_t const outer = row / axes.inner, inner = row - outer * axes.inner;
        for (int i = 0; i < max_operands; ++i) {
            access const& a = table[i];
            if (!a.used) continue;
            std::int64_t const offset = sample * a.sample_size + outer * a.outer_step + inner * a.inner_step;
            if (a.class_index) at.of[i] = call.operand<std::int32_t>(i) + offset;
            else at.of[i] = call.operand<T>(i) + offset;
        }
        return at;
    }

    // ---- one element ----

    template <class X>
    struct element;
    template <int Index, class Shape, bool PerSample, leaf_content Content>
    struct element<leaf<operand_tag<Index>, Shape, PerSample, Content>> {
        static T at(pointers const& p, std::int64_t column, generator const&) {
            constexpr std::int64_t step = flat ? (table[Index].aligned ? 1 : 0) : table[Index].column_step;
            if constexpr (Content == leaf_content::class_index)
                return static_cast<T>(static_cast<std::int32_t const*>(p.of[Index])[column * step]);
            else return static_cast<T const*>(p.of[Index])[column * step];
        }
    };
    template <double Value>
    struct element<literal<Value>> {
        static T at(pointers const&, std::int64_t, generator const&) { return static_cast<T>(Value); }
    };
    template <class Shape, bool PerSample>
    struct element<column_index<Shape, PerSample>> {
        static T at(pointers const&, std::int64_t column, generator const&) { return static_cast<T>(column); }
    };
    template <int Stream, class Shape>
    struct element<uniform_random<Stream, Shape>> {
        static T at(pointers const&, std::int64_t column, generator const& random) {
            kernel_call const& call = *random.call;
            std::uint32_t const layer = static_cast<std::uint32_t>(call.group) << 8 | static_cast<std::uint32_t>(Stream);
            auto const bits = philox({random.first_element + static_cast<std::uint32_t>(column),
                                      static_cast<std::uint32_t>(random.sample), layer, call.random.step},
                                     call.random.key)[0];
            return static_cast<T>(bits >> 8) * static_cast<T>(0x1p-24);
        }
    };
    template <class Function, class... Operands>
    struct element<apply<Function, Operands...>> {
        [[gnu::always_inline]] static T at(pointers const& p, std::int64_t column, generator const& random) {
            return Function::apply(element<Operands>::at(p, column, random)...);
        }
    };

    // ---- loops ----

    // A loop of a constant, even count vectorizes at any level of optimization, without a check for overlap
    // (the result is disjoint from its operands or the same element) and without a remainder.
    template <int Count>
    static void block(T* out, pointers const& p, std::int64_t first, generator const& random) {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (int i = 0; i < Count; ++i) out[first + i] = element<E>::at(p, first + i, random);
    }

    static constexpr int widest = 64;

    template <int Width>
    static void rest_blocks(T* out, pointers const& p, std::int64_t first, generator const& random) {
        if constexpr (Width > 0) {
            if constexpr ((columns % (2 * Width)) >= Width) {
                block<Width>(out, p, first, random);
                first += Width;
            }
            rest_blocks<Width / 2>(out, p, first, random);
        }
    }
    static void row_blocks(T* out, pointers const p, generator const random) {
        std::int64_t first = 0;
        for (; first + widest <= columns; first += widest) block<widest>(out, p, first, random);
        rest_blocks<widest / 2>(out, p, first, random);
    }
    static void flat_blocks(T* out, pointers const p, std::int64_t size) {
        std::int64_t first = 0;
        for (; size - first >= widest; first += widest) block<widest>(out, p, first, {});
        for (; size - first >= 8; first += 8) block<8>(out, p, first, {});
        int const rest = static_cast<int>(static_cast<std::uint64_t>(size) % 8);
        for (int i = 0; i < rest; ++i) block<1>(out, p, first + i, {});
    }
};

} // namespace lockstep::host
