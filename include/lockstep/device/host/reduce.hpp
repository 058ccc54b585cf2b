// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/elementwise.hpp>
#include <lockstep/device/rows.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// A group of one thread. Values are first computed for some columns, which vectorizes, then added in order.
struct one_thread {
    template <int Columns, class T, class F>
    constexpr T sum(F f) const {
        T total = 0;
        for_blocks<Columns, T>(f, [&](T value) { total += value; });
        return total;
    }
    template <int Columns, class T, class F>
    constexpr T max(F f) const {
        T largest = f(0);
        for_blocks<Columns, T>(f, [&](T value) { largest = value > largest || value != value ? value : largest; });
        return largest;
    }

private:
    template <int Columns, class T, class F, class Each>
    static constexpr void for_blocks(F f, Each each) {
        constexpr int width = Columns < 16 ? Columns : 16;
        int first = 0;
        for (; first + width <= Columns; first += width) {
            T values[width];
            for (int i = 0; i < width; ++i) values[i] = f(first + i);
            for (int i = 0; i < width; ++i) each(values[i]);
        }
        for (; first < Columns; ++first) each(f(first));
    }
};

/// Sums everything that was broadcast, each result element in the order of samples and rows.
template <class T, class From, class To>
struct sum_kernel {
    static constexpr detail::memory_axes from = detail::axes_of(extents_of<typename From::result_shape>());
    static constexpr detail::memory_axes to = detail::axes_of(extents_of<typename To::result_shape>());
    static constexpr std::int64_t from_size = From::result_shape::size;
    static constexpr std::int64_t to_size = To::result_shape::size;
    static constexpr bool along_columns = to.columns == from.columns;

    static void run(kernel_call const& call) {
        T const* x = call.operand<T>(0);
        T* out = static_cast<T*>(call.result);
        std::int64_t const samples = From::per_sample ? call.samples : 1;
        if constexpr (!To::per_sample && along_columns && to.outer == 1 && to.inner == 1) {
            sum_rows<0>(x, out, samples * from.outer * from.inner);
        } else {
            std::fill_n(out, to_size * (To::per_sample ? samples : 1), T{});
            for (std::int64_t n = 0; n < samples; ++n)
                add_sample(x + n * from_size, out + (To::per_sample ? n * to_size : 0));
        }
        call.tail(0, 0);
    }

private:
    /// The sum of rows, some columns at a time in registers.
    template <std::int64_t First>
    static void sum_rows(T const* x, T* out, std::int64_t rows) {
        if constexpr (First < from.columns) {
            constexpr std::int64_t width = std::min<std::int64_t>(from.columns - First, 64);
            T sums[width] = {};
            for (std::int64_t row = 0; row < rows; ++row) {
                T const* at = x + row * from.columns + First;
                for (int c = 0; c < width; ++c) sums[c] += at[c];
            }
            std::copy_n(sums, width, out + First);
            sum_rows<First + width>(x, out, rows);
        }
    }

    static void add_sample(T const* x, T* out) {
        for (std::int64_t o = 0; o < from.outer; ++o)
            for (std::int64_t i = 0; i < from.inner; ++i) {
                T const* row = x + (o * from.inner + i) * from.columns;
                T* target = out + ((to.outer > 1 ? o : 0) * to.inner + (to.inner > 1 ? i : 0)) * to.columns;
                for (std::int64_t c = 0; c < from.columns; ++c) target[along_columns ? c : 0] += row[c];
            }
    }
};

/// Kernels over the last axis, one row after the other.
template <class T, class From>
struct row_kernels {
    static constexpr int columns = From::result_shape::extents[From::result_shape::rank - 1];
    static constexpr std::int64_t sample_rows = From::result_shape::size / columns;

    static void logsumexp(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [out](std::int64_t row, T const* x) {
            out[row] = rows::logsumexp<columns>(x, one_thread{});
        });
    }
    static void argmax(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [out](std::int64_t row, T const* x) {
            out[row] = static_cast<T>(rows::argmax<columns>(x));
        });
    }
    static void pick(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        std::int32_t const* index = call.operand<std::int32_t>(1);
        for_rows(call, [=](std::int64_t row, T const* x) { out[row] = x[index[row]]; });
    }

private:
    static void for_rows(kernel_call const& call, auto&& each) {
        T const* x = call.operand<T>(0);
        std::int64_t const rows = call.samples * sample_rows;
        for (std::int64_t row = 0; row < rows; ++row) each(row, x + row * columns);
        call.tail(0, rows);
    }
};

} // namespace lockstep::host
