// SPDX-License-Identifier: MIT
#include "host_kernels.hpp"

#include <lockstep/device/host/pooling.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace host_kernels;
using lockstep::pooling_geometry;
using lockstep::window;

// One channel at a time, as the definition reads. Values are exact, so results must be equal.
template <class T, class Geometry>
void plain_pooling(std::vector<T> const& x, std::vector<T> const& dy, std::vector<T>& y, std::vector<T>& dx,
                   int n) {
    using g = Geometry;
    dx.assign(x.size(), T{});
    auto const at = [](int sample, int row, int column, int channel, int height, int width) {
        return static_cast<std::size_t>(((sample * height + row) * width + column) * g::channels + channel);
    };
    for (int sample = 0; sample < n; ++sample)
        for (int row = 0; row < g::out_height; ++row)
            for (int column = 0; column < g::out_width; ++column)
                for (int channel = 0; channel < g::channels; ++channel) {
                    T best = -std::numeric_limits<T>::infinity();
                    std::size_t where = x.size();
                    for (int i = 0; i < g::kernel_height; ++i)
                        for (int j = 0; j < g::kernel_width; ++j) {
                            int const h = row * g::stride_height + i * g::dilation_height - g::padding_height;
                            int const w = column * g::stride_width + j * g::dilation_width - g::padding_width;
                            if (h < 0 || h >= g::in_height || w < 0 || w >= g::in_width) continue;
                            std::size_t const here = at(sample, h, w, channel, g::in_height, g::in_width);
                            if (where == x.size() || x[here] > best || std::isnan(x[here])) {
                                best = x[here];
                                where = here;
                            }
                        }
                    std::size_t const out = at(sample, row, column, channel, g::out_height, g::out_width);
                    y[out] = best;
                    dx[where] += dy[out];
                }
}

template <class T, class Geometry>
void check_geometry() {
    using g = Geometry;
    CAPTURE(g::channels);
    CAPTURE(g::kernel_width);
    for (int const n : {3, 1, 0}) {
        auto x = random_elements<T>(n * g::input_size, 1);
        for (T& value : x) value = std::round(value * 4); // ties in most windows
        auto dy = random_elements<T>(n * g::output_size, 2);
        for (T& value : dy) value = std::round(value * 64); // sums are exact in any order
        auto y = unset<T>(n * g::output_size);
        auto dx = unset<T>(n * g::input_size);
        counting_tail<T> forward{y.data(), g::channels,
                                 std::vector<int>(static_cast<std::size_t>(n * g::out_height * g::out_width))};
        counting_tail<T> backward{dx.data(), g::channels,
                                  std::vector<int>(static_cast<std::size_t>(n * g::in_height * g::in_width))};
        host::max_pool<T, g>(x.data(), y.data(), n, forward.tail());
        host::max_pool_gradient<T, g>(x.data(), dy.data(), dx.data(), n, backward.tail());
        CHECK(forward.every_row_once());
        CHECK(backward.every_row_once());
        auto expected_y = unset<T>(n * g::output_size);
        std::vector<T> expected_dx;
        plain_pooling<T, g>(x, dy, expected_y, expected_dx, n);
        for (T& value : expected_y) value += T{1};
        for (T& value : expected_dx) value += T{1};
        CHECK(y == expected_y);
        CHECK(dx == expected_dx);
    }
}

TEST_CASE_TEMPLATE("max pooling agrees with its definition, gradient included", T, float, double) {
    check_geometry<T, pooling_geometry<1, 1, 1, window<1, 1, 1, 1, 0, 0>>>();
    check_geometry<T, pooling_geometry<32, 28, 28, window<2, 2, 2, 2, 0, 0>>>();
    check_geometry<T, pooling_geometry<17, 7, 9, window<2, 2, 2, 2, 0, 0>>>(); // last row and column unused
    check_geometry<T, pooling_geometry<5, 7, 9, window<3, 3, 2, 2, 1, 1>>>();  // overlapping and padded
    check_geometry<T, pooling_geometry<67, 5, 6, window<3, 2, 1, 1, 1, 1>>>();
    check_geometry<T, pooling_geometry<3, 11, 8, window<2, 3, 4, 5, 0, 0>>>(); // gaps between windows
    check_geometry<T, pooling_geometry<16, 6, 6, window<6, 6, 6, 6, 0, 0>>>(); // the whole image
    check_geometry<T, pooling_geometry<9, 9, 8, window<3, 2, 1, 2, 1, 1, 2, 3>>>(); // dilated
}

TEST_CASE_TEMPLATE("a NaN in the window wins, and its place takes the gradient", T, float, double) {
    using g = pooling_geometry<2, 2, 2, window<2, 2, 2, 2, 0, 0>>;
    T const nan = std::numeric_limits<T>::quiet_NaN();
    T const inf = std::numeric_limits<T>::infinity();
    T const x[] = {1, -inf, nan, -inf, 5, -inf, 2, -inf}; // pixel by pixel, two channels each
    T const dy[] = {3, 4};
    T y[2];
    T dx[8];
    host::max_pool<T, g>(x, y, 1);
    host::max_pool_gradient<T, g>(x, dy, dx, 1);
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == -inf);
    T const expected[] = {0, 4, 3, 0, 0, 0, 0, 0};
    for (int i = 0; i < 8; ++i) CHECK(dx[i] == expected[i]);
}

} // namespace
