// SPDX-License-Identifier: MIT
#include "host_kernels.hpp"

#include <lockstep/device/host/averaging.hpp>
#include <lockstep/shape/convolution.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using namespace host_kernels;
using lockstep::adaptive_average;
using lockstep::averaging_geometry;
using lockstep::moving_average;
using lockstep::window;

// The bounds that PyTorch's loops have: of a window, which padding is counted in, and of a part.
struct bounds {
    int first, last, count;
};
template <class Window, bool CountsPadding>
bounds rows_of(moving_average<Window, CountsPadding>, int out, int in) {
    int const start = out * Window::stride_height - Window::padding_height;
    int const end = std::min(start + Window::kernel_height, in + Window::padding_height);
    int const first = std::max(start, 0), last = std::min(end, in);
    return {first, last, CountsPadding ? end - start : last - first};
}
template <class Window, bool CountsPadding>
bounds columns_of(moving_average<Window, CountsPadding>, int out, int in) {
    int const start = out * Window::stride_width - Window::padding_width;
    int const end = std::min(start + Window::kernel_width, in + Window::padding_width);
    int const first = std::max(start, 0), last = std::min(end, in);
    return {first, last, CountsPadding ? end - start : last - first};
}
bounds part_of(double out, double parts, double in) {
    int const first = static_cast<int>(std::floor(out * in / parts));
    int const last = static_cast<int>(std::ceil((out + 1) * in / parts));
    return {first, last, last - first};
}
template <int Height, int Width>
bounds rows_of(adaptive_average<Height, Width>, int out, int in) {
    return part_of(out, Height, in);
}
template <int Height, int Width>
bounds columns_of(adaptive_average<Height, Width>, int out, int in) {
    return part_of(out, Width, in);
}

// One channel at a time, as the definition reads.
template <class T, class Geometry>
void check_geometry() {
    using g = Geometry;
    typename g::average const average;
    CAPTURE(g::channels);
    CAPTURE(g::out_width);
    for (int const n : {3, 1, 0}) {
        auto const x = random_elements<T>(n * g::input_size, 1);
        auto const dy = random_elements<T>(n * g::output_size, 2);
        auto y = unset<T>(n * g::output_size);
        auto dx = unset<T>(n * g::input_size);
        counting_tail<T> forward{y.data(), g::channels,
                                 std::vector<int>(static_cast<std::size_t>(n * g::out_height * g::out_width))};
        counting_tail<T> backward{dx.data(), g::channels,
                                  std::vector<int>(static_cast<std::size_t>(n * g::in_height * g::in_width))};
        host::avg_pool<T, g>(x.data(), y.data(), n, forward.tail());
        host::avg_pool_gradient<T, g>(dy.data(), dx.data(), n, backward.tail());
        CHECK(forward.every_row_once());
        CHECK(backward.every_row_once());

        std::vector<T> expected_y(y.size(), T{1}), expected_dx(dx.size(), T{1});
        for (int sample = 0; sample < n; ++sample)
            for (int row = 0; row < g::out_height; ++row)
                for (int column = 0; column < g::out_width; ++column)
                    for (int channel = 0; channel < g::channels; ++channel) {
                        bounds const h = rows_of(average, row, g::in_height);
                        bounds const w = columns_of(average, column, g::in_width);
                        T const share = T{1} / static_cast<T>(h.count * w.count);
                        auto const out = static_cast<std::size_t>(
                            ((sample * g::out_height + row) * g::out_width + column) * g::channels + channel);
                        for (int i = h.first; i < h.last; ++i)
                            for (int j = w.first; j < w.last; ++j) {
                                auto const in = static_cast<std::size_t>(
                                    ((sample * g::in_height + i) * g::in_width + j) * g::channels + channel);
                                expected_y[out] += x[in] * share;
                                expected_dx[in] += dy[out] * share;
                            }
                    }
        check_close(y, expected_y, std::vector<T>(y.size(), T{2}), g::in_height * g::in_width);
        check_close(dx, expected_dx, std::vector<T>(dx.size(), T{2}), g::out_height * g::out_width);
    }
}

TEST_CASE_TEMPLATE("averages agree with their definition, gradient included", T, float, double) {
    check_geometry<T, averaging_geometry<1, 1, 1, moving_average<window<1, 1, 1, 1, 0, 0>, true>>>();
    check_geometry<T, averaging_geometry<33, 6, 8, moving_average<window<2, 2, 2, 2, 0, 0>, true>>>();
    check_geometry<T, averaging_geometry<5, 7, 9, moving_average<window<3, 2, 2, 1, 1, 1>, true>>>();
    check_geometry<T, averaging_geometry<5, 7, 9, moving_average<window<3, 2, 2, 1, 1, 1>, false>>>();
    check_geometry<T, averaging_geometry<17, 9, 7, moving_average<window<2, 2, 3, 4, 0, 0>, true>>>(); // gaps
    check_geometry<T, averaging_geometry<64, 7, 5, adaptive_average<1, 1>>>();
    check_geometry<T, averaging_geometry<6, 7, 11, adaptive_average<3, 4>>>(); // parts that overlap
    check_geometry<T, averaging_geometry<6, 2, 3, adaptive_average<5, 3>>>();  // more parts than pixels
}

static_assert(averaging_geometry<1, 6, 8, moving_average<window<2, 2, 2, 2, 0, 0>, true>>::tiles_image);
static_assert(!averaging_geometry<1, 7, 8, moving_average<window<2, 2, 2, 2, 0, 0>, true>>::tiles_image);
static_assert(averaging_geometry<1, 6, 9, adaptive_average<2, 3>>::tiles_image);
static_assert(!averaging_geometry<1, 7, 9, adaptive_average<2, 3>>::tiles_image);

} // namespace
