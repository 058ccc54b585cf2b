// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/movement.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace lockstep::host {

/// Carries out a movement for one sample.
template <class T, movement Moves>
void move(T const* from, T* to) {
    constexpr std::int64_t rows = Moves.from.rows(), columns = Moves.from.columns();
    constexpr std::int64_t from_step = Moves.from.column_step(), to_step = Moves.to.column_step();
    for (std::int64_t row = 0; row < rows; ++row) {
        T const* const source = from + Moves.from_offset + Moves.from.offset_of_row(row);
        T* const target = to + Moves.to_offset + Moves.to.offset_of_row(row);
        if constexpr (from_step == 1 && to_step == 1) std::copy_n(source, columns, target);
        else
            for (std::int64_t c = 0; c < columns; ++c) target[c * to_step] = source[c * from_step];
    }
}

/// The kernel of a primitive that moves elements; where it does not write all of its result, the rest is zero.
template <class T, class Result, class X, movement Moves>
struct movement_kernel {
    static void run(kernel_call const& call) {
        T const* from = call.operand<T>(0);
        T* to = static_cast<T*>(call.result);
        std::int64_t const samples = Result::per_sample ? call.samples : 1;
        if constexpr (Moves.size() < Result::result_shape::size) std::fill_n(to, samples * Result::result_shape::size, T{});
        for (std::int64_t n = 0; n < samples; ++n, from += X::result_shape::size, to += Result::result_shape::size)
            move<T, Moves>(from, to);
    }
};

/// The kernel of concat: every operand to its place.
template <class T, int Axis, class... X>
struct concat_kernel {
    using result = compute<primitive::concat<Axis>, X...>;
    static void run(kernel_call const& call) { run_all(call, std::make_integer_sequence<int, sizeof...(X)>{}); }

private:
    template <int... Index>
    static void run_all(kernel_call const& call, std::integer_sequence<int, Index...>) {
        (place<Index, X>(call), ...);
    }
    template <int Index, class Part>
    static void place(kernel_call const& call) {
        constexpr movement moves =
            placing(extents_of<typename Part::result_shape>(), extents_of<typename result::result_shape>(), Axis,
                    primitive::concat<Axis>::template begin_of<Index, X...>);
        std::int64_t const samples = result::per_sample ? call.samples : 1;
        for (std::int64_t n = 0; n < samples; ++n)
            move<T, moves>(call.operand<T>(operand_index<Part>) + (Part::per_sample ? n * Part::result_shape::size : 0),
                           static_cast<T*>(call.result) + n * result::result_shape::size);
    }
};

} // namespace lockstep::host
