// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/expression/gather.hpp>
#include <lockstep/program/schedule.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Rows of a table by index, and the sum of rows with the same index, in the order of samples and positions.
template <class T, class X, class Index>
struct gather_kernels {
    static constexpr std::int64_t columns = X::result_shape::extents[X::result_shape::rank - 1];

    static std::int64_t count(kernel_call const& call) {
        return Index::result_shape::size * (Index::per_sample ? call.samples : 1);
    }
    static std::int32_t const* indices(kernel_call const& call) { return call.operand<std::int32_t>(operand_index<Index>); }

    static void gather(kernel_call const& call) {
        T const* const table = call.operand<T>(operand_index<X>);
        T* out = static_cast<T*>(call.result);
        std::int32_t const* const index = indices(call);
        for (std::int64_t i = 0; i < count(call); ++i, out += columns) std::copy_n(table + index[i] * columns, columns, out);
    }
    template <std::int64_t Rows>
    static void scatter_sum(kernel_call const& call) {
        T const* x = call.operand<T>(operand_index<X>);
        T* const out = static_cast<T*>(call.result);
        std::int32_t const* const index = indices(call);
        std::fill_n(out, Rows * columns, T{});
        for (std::int64_t i = 0; i < count(call); ++i, x += columns) {
            T* const row = out + index[i] * columns;
            for (std::int64_t c = 0; c < columns; ++c) row[c] += x[c];
        }
    }
};

} // namespace lockstep::host
