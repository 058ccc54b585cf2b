// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/host/lanes.hpp>
#include <lockstep/device/rows.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <cstdint>

namespace lockstep::host {

/// A group of one thread.
struct one_thread {
    template <int Columns, class T, class F>
    constexpr T sum(F f) const {
        return combine_all<Columns, T>(f, [](auto a, auto b) { return a + b; });
    }
    template <int Columns, class T, class F>
    constexpr T max(F f) const {
        return combine_all<Columns, T>(f, [](auto a, auto b) { return larger_or_nan(a, b); });
    }
    template <int Columns, class F>
    constexpr void each(F f) const {
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
        for (int c = 0; c < Columns; ++c) f(c);
    }
};

/// Kernels over the columns of a value, one row after the other.
template <class T, class From>
struct row_kernels {
    static constexpr memory_rows layout = rows_of(extents_of<typename From::result_shape>());
    static constexpr int columns = static_cast<int>(layout.columns);

    static void logsumexp(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [out](std::int64_t row, T const* x) { out[row] = rows::logsumexp<columns, T>(x, one_thread{}); });
    }
    static void softmax(kernel_call const& call) {
        T* out = static_cast<T*>(call.result);
        for_rows(call, [&](std::int64_t row, T const* x) {
            rows::softmax<columns, T>(x, out + row * columns, one_thread{});
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
