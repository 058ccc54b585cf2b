// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/rows.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <cstdint>

namespace lockstep::host {

/// A group of one thread. Values are first computed for some columns, which vectorizes, then combined in order.
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
    /// f(column) for every column.
    template <int Columns, class F>
    constexpr void each(F f) const {
        for (int c = 0; c < Columns; ++c) f(c);
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

/// Kernels over the columns of a value, one row after the other.
template <class T, class From>
struct row_kernels {
    static constexpr memory_rows layout = rows_of(extents_of<typename From::result_shape>());
    static constexpr int columns = static_cast<int>(layout.columns);

    static void logsumexp(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [out](std::int64_t row, T const* x) { out[row] = rows::logsumexp<columns>(x, one_thread{}); });
    }
    static void softmax(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [&](std::int64_t row, T const* x) {
            rows::softmax<columns>(x, out + row * columns, one_thread{});
            call.tail(row, 1);
        });
    }
    static void argmax(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [out](std::int64_t row, T const* x) { out[row] = static_cast<T>(rows::argmax<columns>(x)); });
    }
    /// An index that is no column of the row picks 0.
    static void pick(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        std::int32_t const* index = call.operand<std::int32_t>(1);
        for_rows(call, [=](std::int64_t row, T const* x) {
            out[row] = index[row] >= 0 && index[row] < columns ? x[index[row]] : T(0);
        });
    }

private:
    static void for_rows(kernel_call const& call, auto&& each) {
        T const* x = call.operand<T>(0);
        std::int64_t const rows = (From::per_sample ? call.samples : 1) * layout.rows;
        for (std::int64_t row = 0; row < rows; ++row) each(row, x + row * columns);
    }
};

} // namespace lockstep::host
