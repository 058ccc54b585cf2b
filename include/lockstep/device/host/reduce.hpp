// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/chain.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace lockstep::host {

/// How a reduction combines two values, and what it starts with.
struct add_values {
    template <class T>
    static constexpr T start = T(0);
    template <class T>
    static constexpr T combine(T a, T b) {
        return a + b;
    }
};
/// A NaN counts as larger than any number, as in PyTorch.
struct larger_value {
    template <class T>
    static constexpr T start = -std::numeric_limits<T>::infinity();
    template <class T>
    static constexpr T combine(T a, T b) {
        return b > a || b != b ? b : a;
    }
};

/// Reduces an elementwise chain over everything that was broadcast; the chain's values are never stored. The order
/// is fixed: rows of one result element in blocks of 128, blocks one after the other, within a row by 16 lanes.
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
                                   out + (To::per_sample ? n * to_size : 0) + to.offset_of_row(row));
        }
    }

private:
    static constexpr std::int64_t row_block = 128;
    static constexpr int lanes = 16;

    template <int Count>
    static void combine_block(T* into, T const* values) {
        for (int c = 0; c < Count; ++c) into[c] = Operation::combine(into[c], values[c]);
    }

    static T row_total(place const& at) {
        constexpr int width = static_cast<int>(std::min<std::int64_t>(columns, lanes));
        T total[width];
        code::template block<width>(total, at, 0);
        if constexpr (columns > lanes) {
            T values[width];
            std::int64_t first = width;
            for (; first + width <= columns; first += width) {
                code::template block<width>(values, at, first);
                combine_block<width>(total, values);
            }
            constexpr int rest = static_cast<int>(columns % width);
            if constexpr (rest != 0) {
                code::template block<rest>(values, at, first);
                combine_block<rest>(total, values);
            }
        }
        for (int c = 1; c < width; ++c) total[0] = Operation::combine(total[0], total[c]);
        return total[0];
    }

    /// Calls work.template operator()<Count>(first) for all columns, `width` at a time and once for the rest: at most
    /// two instantiations, however many columns there are.
    template <class Work>
    static void for_columns(Work work) {
        constexpr std::int64_t width = 64;
        for (std::int64_t first = 0; first + width <= columns; first += width)
            work.template operator()<static_cast<int>(width)>(first);
        if constexpr (columns % width != 0)
            work.template operator()<static_cast<int>(columns % width)>(columns - columns % width);
    }

    /// Rows that meet in one: some columns at a time in registers, or all columns in one number.
    static void reduce_rows(kernel_call const& call, std::int64_t first_row, std::int64_t rows, T* out) {
        if constexpr (!by_column) {
            T total = Operation::template start<T>;
            for (std::int64_t block = 0; block < rows; block += row_block) {
                T part = Operation::template start<T>;
                for (std::int64_t row = block; row < std::min(block + row_block, rows); ++row)
                    part = Operation::combine(part, row_total(code::at_row(call, first_row + row)));
                total = Operation::combine(total, part);
            }
            *out = total;
        } else {
            for_columns([&]<int Width>(std::int64_t first) {
                T total[Width], part[Width], values[Width];
                std::fill_n(total, Width, Operation::template start<T>);
                for (std::int64_t block = 0; block < rows; block += row_block) {
                    std::fill_n(part, Width, Operation::template start<T>);
                    for (std::int64_t row = block; row < std::min(block + row_block, rows); ++row) {
                        code::template block<Width>(values, code::at_row(call, first_row + row), first);
                        combine_block<Width>(part, values);
                    }
                    combine_block<Width>(total, part);
                }
                std::copy_n(total, Width, out + first);
            });
        }
    }

    static void combine_row(place const& at, T* out) {
        if constexpr (!by_column) *out = Operation::combine(*out, row_total(at));
        else
            for_columns([&]<int Width>(std::int64_t first) {
                T values[Width];
                code::template block<Width>(values, at, first);
                for (int c = 0; c < Width; ++c) {
                    T& into = out[(first + c) * to.column_step()];
                    into = Operation::combine(into, values[c]);
                }
            });
    }
};

} // namespace lockstep::host
