// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/program/type_list.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

namespace lockstep {

/// How an operand is read along the axes of an elementwise chain's result.
struct access {
    bool used = false;
    bool class_index = false;
    leaf_content content = leaf_content::number;
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
    a.content = Leaf::content;
    a.per_sample = Leaf::per_sample;
    a.sample_size = Leaf::per_sample ? Leaf::result_shape::size : 0;
    a.axes = broadcast_steps(extents_of<typename Leaf::result_shape>(), extents_of<typename Result::result_shape>());
    a.aligned = std::is_same_v<typename Leaf::result_shape, typename Result::result_shape> &&
                Leaf::per_sample == Result::per_sample && !a.class_index;
    return a;
}

/// One more than the last operand that a chain reads.
template <class E>
inline constexpr int operand_count = 0;
template <int Index, class Shape, bool PerSample, leaf_content Content>
inline constexpr int operand_count<leaf<operand_tag<Index>, Shape, PerSample, Content>> = Index + 1;
template <class Function, class... Operands>
inline constexpr int operand_count<apply<Function, Operands...>> = std::max({0, operand_count<Operands>...});

template <class Result, class E>
struct collect_access {
    static constexpr void into(auto&) {}
};
template <class Result, int Index, class Shape, bool PerSample, leaf_content Content>
struct collect_access<Result, leaf<operand_tag<Index>, Shape, PerSample, Content>> {
    static constexpr void into(auto& table) {
        table[Index] = access_of<leaf<operand_tag<Index>, Shape, PerSample, Content>, Result>();
    }
};
template <class Result, class Function, class... Operands>
struct collect_access<Result, apply<Function, Operands...>> {
    static constexpr void into(auto& table) { (collect_access<Result, Operands>::into(table), ...); }
};

/// How each operand of a chain is read.
template <class E>
inline constexpr auto access_table_of = [] {
    std::array<access, static_cast<std::size_t>(operand_count<E>)> result{};
    collect_access<E, E>::into(result);
    return result;
}();

template <class E>
inline constexpr bool holds_index = false;
template <class Shape, bool PerSample>
inline constexpr bool holds_index<column_index<Shape, PerSample>> = true;
template <class Function, class... Operands>
inline constexpr bool holds_index<apply<Function, Operands...>> = (holds_index<Operands> || ...);

/// The streams of random numbers that a chain draws.
template <class Streams, class E>
struct streams_of {
    using type = Streams;
};
template <class Streams, int Stream, class Shape>
struct streams_of<Streams, uniform_random<Stream, Shape>> {
    using type = append<Streams, std::integral_constant<int, Stream>>;
};
template <class Streams, class Function>
struct streams_of<Streams, apply<Function>> {
    using type = Streams;
};
template <class Streams, class Function, class First, class... Rest>
struct streams_of<Streams, apply<Function, First, Rest...>>
    : streams_of<typename streams_of<Streams, First>::type, apply<Function, Rest...>> {};

} // namespace detail

/// memory_axes::offset_of_row for axes that are known: where they have a step at all, divisions by constants.
template <class Axes, int Axis = Axes::value.count - 2>
[[gnu::always_inline]] constexpr std::int64_t offset_of_row(std::int64_t row) {
    constexpr bool steps = [] {
        for (int i = 0; i <= Axis; ++i)
            if (Axes::value.step[i] != 0) return true;
        return false;
    }();
    if constexpr (!steps) return 0;
    else if constexpr (Axis == 0) return row * Axes::value.step[0];
    else {
        constexpr std::int64_t extent = Axes::value.extent[Axis];
        return row % extent * Axes::value.step[Axis] + offset_of_row<Axes, Axis - 1>(row / extent);
    }
}

} // namespace lockstep
