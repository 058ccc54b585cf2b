// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/combine.hpp>
#include <lockstep/device/host/chain.hpp>
#include <lockstep/device/host/lanes.hpp>
#include <lockstep/device/host/shared_chain.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Reductions of a chain in its shared form, see shared_chain.hpp.
template <class T, class Operation, class E>
struct shared_reduction {
    using code = chain<T, E>;
    static constexpr auto operation = [](auto a, auto b) { return Operation::combine(a, b); };
    static constexpr std::int64_t row_block = 128;
    /// Columns that stay in the first-level cache while rows pass, a few rows at a time.
    static constexpr std::int64_t column_block = 512;
    static constexpr int rows_at_once = 4;

    /// The total of elements that lie next to each other: a chain that is read flat has no rows.
    [[gnu::noinline]] static T flat_total(kernel_call const& call, std::int64_t first, std::int64_t size) {
        constexpr int width = lanes<T>::count;
        T values[width];
        std::fill_n(values, width, Operation::template start<T>);
        lanes<T> const start(values);
        lanes<T> total = start;
        auto const at = code::at_element(call, first);
        std::int64_t i = 0;
        while (size - i >= width) {
            lanes<T> part = start;
            std::int64_t const end = std::min(i + row_block * width, size - width + 1);
            for (; i < end; i += width) {
                code::template block<width>(values, at, i);
                part.combine(lanes<T>(values), operation);
            }
            total.combine(part, operation);
        }
        total.store(values);
        for (int lane = 0; i < size; ++i, ++lane) values[lane] = operation(values[lane], code::value(at, i));
        total.load(values);
        return total.fold(operation);
    }

    /// Rows of whole blocks of columns that meet in one.
    [[gnu::noinline]] static void reduce_columns(kernel_call const& call, std::int64_t first_row, std::int64_t rows,
                                                 std::int64_t columns, T* out) {
        T part[column_block];
        for (std::int64_t column = 0; column < columns; column += column_block) {
            std::int64_t const width = std::min(column_block, columns - column);
            std::fill_n(out + column, width, Operation::template start<T>);
            for (std::int64_t block = 0; block < rows; block += row_block) {
                std::fill_n(part, width, Operation::template start<T>);
                std::int64_t const end = std::min(block + row_block, rows);
                std::int64_t row = block;
                auto const at = [&](int next) { return code::at_element(call, (first_row + row + next) * columns); };
                for (; row + rows_at_once <= end; row += rows_at_once)
                    combine_rows(part, {at(0), at(1), at(2), at(3)}, column, width);
                for (; row < end; ++row) combine_rows(part, {at(0)}, column, width);
                for (std::int64_t c = 0; c < width; ++c) out[column + c] = operation(out[column + c], part[c]);
            }
        }
    }

private:
    template <int Rows>
    static void combine_rows(T* part, typename code::place const (&rows)[Rows], std::int64_t column, std::int64_t width) {
        for (std::int64_t c = 0; c < width; c += shared_columns)
            code::template combine_block<Operation, shared_columns>(part + c, rows, column + c);
    }
};

/// Reduces an elementwise chain over everything that was broadcast; the chain's values are never stored. The order
/// is fixed: what lies next to each other by sixteen lanes; rows one after the other, in blocks of 128, and then the
/// blocks.
template <class T, class Operation, class From, class To>
class reduction {
    using code = chain<T, From>;
    using place = typename code::place;
    static constexpr std::int64_t columns = code::columns;
    static constexpr std::int64_t sample_rows = code::sample_rows;
    static constexpr std::int64_t to_size = To::result_shape::size;
    static constexpr memory_axes to =
        broadcast_steps(extents_of<typename To::result_shape>(), extents_of<typename From::result_shape>());
    static constexpr bool by_column = to.column_step() != 0;
    /// What is summed lies next to each other, more than a few elements of it.
    static constexpr bool is_long = code::flat && (!To::per_sample || sample_rows * columns >= 64);
    struct to_axes {
        static constexpr memory_axes value = to;
    };
    /// All rows of a sample meet in one row of the result.
    static constexpr bool meets = [] {
        for (int i = 0; i + 1 < to.count; ++i)
            if (to.step[i] != 0) return false;
        return !by_column || to.column_step() == 1;
    }();

public:
    static void run(kernel_call const& call) {
        T* const out = static_cast<T*>(call.result);
        std::int64_t const samples = From::per_sample ? call.samples : 1;
        if constexpr (meets && To::per_sample) {
            for (std::int64_t n = 0; n < samples; ++n)
                reduce_rows(call, n * sample_rows, sample_rows, out + n * to_size);
        } else if constexpr (meets) {
            reduce_rows(call, 0, samples * sample_rows, out);
        } else {
            std::fill_n(out, to_size * (To::per_sample ? samples : 1), Operation::template start<T>);
            for (std::int64_t n = 0; n < samples; ++n)
                for (std::int64_t row = 0; row < sample_rows; ++row)
                    combine_row(code::at_row(call, n * sample_rows + row),
                                out + (To::per_sample ? n * to_size : 0) + offset_of_row<to_axes>(row));
        }
    }

private:
    using shared = shared_reduction<T, Operation, shared_form<T, From>>;
    static constexpr std::int64_t row_block = shared::row_block, column_block = shared::column_block;
    static constexpr int rows_at_once = shared::rows_at_once;

    static T combine(T a, T b) { return Operation::combine(a, b); }
    static constexpr auto operation = [](auto a, auto b) { return Operation::combine(a, b); };
    template <int Count>
    static void combine_values(T* into, T const* values) {
        for (int c = 0; c < Count; ++c) into[c] = combine(into[c], values[c]);
    }

    static T row_total(place const& at) {
        constexpr int count = static_cast<int>(columns);
        if constexpr (lockstep::detail::holds_random<From>) { // which are drawn together
            T values[count];
            code::template block<count>(values, at, 0);
            return combine_all<count, T>([&values](int c) { return values[c]; }, operation);
        } else return combine_all<count, T>([&at](int c) { return code::value(at, c); }, operation);
    }

    /// Rows that meet in one.
    static void reduce_rows(kernel_call const& call, std::int64_t first_row, std::int64_t rows, T* out) {
        if constexpr (by_column && has_shared_form<T, From> && columns % shared_columns == 0)
            shared::reduce_columns(call, first_row, rows, columns, out);
        else if constexpr (by_column) reduce_columns(call, first_row, rows, out);
        else if constexpr (is_long) *out = shared::flat_total(call, first_row * columns, rows * columns);
        else {
            T total = Operation::template start<T>;
            for (std::int64_t block = 0; block < rows; block += row_block) {
                T part = Operation::template start<T>;
                for (std::int64_t row = block; row < std::min(block + row_block, rows); ++row)
                    part = combine(part, row_total(code::at_row(call, first_row + row)));
                total = combine(total, part);
            }
            *out = total;
        }
    }

    /// Calls work.template operator()<Count>(first) for all columns, so many at a time and once for the rest: at most
    /// two instantiations, however many columns there are.
    template <class Work>
    static void for_columns(Work work) {
        constexpr int rest = static_cast<int>(columns % column_block);
        for (std::int64_t first = 0; first + column_block <= columns; first += column_block)
            work.template operator()<static_cast<int>(column_block)>(first);
        if constexpr (rest != 0) work.template operator()<rest>(columns - rest);
    }

    static void reduce_columns(kernel_call const& call, std::int64_t first_row, std::int64_t rows, T* out) {
        for_columns([&]<int Width>(std::int64_t first) {
            T total[Width], part[Width];
            std::fill_n(total, Width, Operation::template start<T>);
            for (std::int64_t block = 0; block < rows; block += row_block) {
                std::fill_n(part, Width, Operation::template start<T>);
                std::int64_t const end = std::min(block + row_block, rows);
                std::int64_t row = block;
                auto const at = [&](int next) { return code::at_row(call, first_row + row + next); };
                for (; row + rows_at_once <= end; row += rows_at_once)
                    code::template combine_block<Operation, Width>(part, {at(0), at(1), at(2), at(3)}, first);
                for (; row < end; ++row) code::template combine_block<Operation, Width>(part, {at(0)}, first);
                combine_values<Width>(total, part);
            }
            std::copy_n(total, Width, out + first);
        });
    }

    static void combine_row(place const& at, T* out) {
        if constexpr (!by_column) *out = combine(*out, row_total(at));
        else
            for_columns([&]<int Width>(std::int64_t first) {
                if constexpr (to.column_step() == 1) {
                    code::template combine_block<Operation, Width>(out + first, {at}, first);
                } else {
                    T values[Width];
                    code::template block<Width>(values, at, first);
                    for (int c = 0; c < Width; ++c) {
                        T& into = out[(first + c) * to.column_step()];
                        into = combine(into, values[c]);
                    }
                }
            });
    }
};

} // namespace lockstep::host
