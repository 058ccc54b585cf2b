// SPDX-License-Identifier: MIT
// Kernels for a grid, whose groups take turns, beside those of a host.
#pragma once

#include "../unit/device/host_kernels.hpp"

#include <lockstep/device/grid/backend.hpp>
#include <lockstep/device/host/backend.hpp>
#include <lockstep/program/schedule.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace grid_kernels {

namespace ls = lockstep;

/// Operand number Index of a kernel's expression.
template <int Index, class Shape, bool PerSample = true>
using operand = ls::leaf<ls::operand_tag<Index>, Shape, PerSample>;

constexpr ls::philox_key key{7, 11};
constexpr std::uint32_t step = 5;

template <class T, class E>
std::int64_t result_size(std::int64_t samples) {
    return E::result_shape::size * (E::per_sample ? samples : 1);
}

/// What a host computes for E.
template <class T, class E>
std::vector<T> on_host(std::vector<void const*> const& operands, std::int64_t samples) {
    using kernel = ls::host::kernel_for<T, ls::host::portable, E>;
    std::vector<T> result = host_kernels::unset<T>(result_size<T, E>(samples));
    ls::host::kernel_call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands.begin());
    call.samples = samples;
    call.random = {key, step, 3};
    call.group = 2;
    if (kernel::value.make_state != nullptr) call.state = kernel::value.make_state();
    kernel::value.run(call);
    if (call.state != nullptr) kernel::value.free_state(call.state);
    return result;
}

/// And the kernels for a grid, with a result stored as R.
template <class T, class E, class R = T>
std::vector<R> on_grid(std::vector<void const*> const& operands, std::int64_t samples) {
    using kernels = ls::grid::kernels_for<T, E, R>;
    std::vector<R> result(static_cast<std::size_t>(result_size<T, E>(samples)));
    for (R& each : result) each = std::numeric_limits<T>::quiet_NaN();
    // Whatever another kernel left there.
    std::vector<std::byte> scratch(static_cast<std::size_t>(ls::grid::scratch_bytes_of<kernels>(samples)), std::byte{0xff});
    ls::grid::call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands);
    call.samples = samples;
    call.scratch = scratch.data();
    call.key = key;
    call.step = &step;
    call.first_sample = 3;
    call.group = 2;
    ls::grid::run_here(typename kernels::type{}, call);
    return result;
}

/// The largest difference of two results, relative to the largest expected magnitude; infinity where one of them is NaN.
template <class T>
double difference(std::vector<T> const& found, std::vector<T> const& expected) {
    double largest = 0, most = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        double const each = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
        if (!(each <= std::numeric_limits<double>::max())) return std::numeric_limits<double>::infinity();
        most = std::max(most, each);
        largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    }
    return largest > 0 ? most / largest : most;
}

/// Both compute the same, but for the order of additions.
template <class T, class E>
void check_same(std::vector<void const*> const& operands, std::int64_t samples) {
    CHECK(difference(on_grid<T, E>(operands, samples), on_host<T, E>(operands, samples)) <=
          64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

} // namespace grid_kernels
