// SPDX-License-Identifier: MIT
#pragma once

#include "host_kernels.hpp"

#include <lockstep/device/host/convolution.hpp>
#include <lockstep/device/host/portable.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

namespace host_kernels {

// All three kernels, twice with one object: what it keeps between calls must not show.
template <class With, class Geometry,
          class Kernels = host::convolution<typename With::element, Geometry, typename With::library>>
void check_geometry() {
    using T = typename With::element;
    using g = Geometry;
    Kernels kernels;
    constexpr std::int64_t out_pixels = std::int64_t{g::out_height} * g::out_width;
    constexpr std::int64_t in_pixels = std::int64_t{g::in_height} * g::in_width;
    constexpr std::int64_t taps = std::int64_t{g::kernel_height} * g::kernel_width;
    CAPTURE(g::in_channels);
    CAPTURE(g::out_channels);
    CAPTURE(g::kernel_width);
    for (int const n : {3, 1, 0}) {
        CAPTURE(n);
        auto const seed = static_cast<unsigned>(10 * n);
        auto const x = random_elements<T>(n * g::input_size, seed + 1);
        auto const w = random_elements<T>(g::weight_size, seed + 2);
        auto const dy = random_elements<T>(n * g::output_size, seed + 3);

        auto found = unset<T>(n * g::output_size);
        auto expected = found;
        auto magnitude = found;
        counting_tail<T> forward{found.data(), g::out_channels,
                                 std::vector<int>(static_cast<std::size_t>(n * out_pixels))};
        kernels.forward(x.data(), w.data(), found.data(), n, forward.tail());
        CHECK(forward.every_row_once());
        for (T& value : found) value -= T{1};
        host::loops::convolution<T, g>(x.data(), w.data(), expected.data(), n, {});
        host::loops::convolution<T, g>(magnitudes(x).data(), magnitudes(w).data(), magnitude.data(), n, {});
        for (T& value : magnitude) value += T{2};
        check_close(found, expected, magnitude, taps * g::group_in);

        found = unset<T>(n * g::input_size);
        expected = found;
        magnitude = found;
        counting_tail<T> backward{found.data(), g::in_channels,
                                  std::vector<int>(static_cast<std::size_t>(n * in_pixels))};
        kernels.data_gradient(dy.data(), w.data(), found.data(), n, backward.tail());
        CHECK(backward.every_row_once());
        for (T& value : found) value -= T{1};
        host::loops::convolution_data_gradient<T, g>(dy.data(), w.data(), expected.data(), n, {});
        host::loops::convolution_data_gradient<T, g>(magnitudes(dy).data(), magnitudes(w).data(),
                                                     magnitude.data(), n, {});
        for (T& value : magnitude) value += T{2};
        check_close(found, expected, magnitude, taps * g::group_out);

        found = unset<T>(g::weight_size);
        expected = found;
        magnitude = found;
        kernels.weight_gradient(x.data(), dy.data(), found.data(), n);
        host::loops::convolution_weight_gradient<T, g>(x.data(), dy.data(), expected.data(), n);
        host::loops::convolution_weight_gradient<T, g>(magnitudes(x).data(), magnitudes(dy).data(),
                                                       magnitude.data(), n);
        check_close(found, expected, magnitude, n * out_pixels);
    }
}

} // namespace host_kernels
