// SPDX-License-Identifier: MIT
#include "host_kernels.hpp"

#include <lockstep/device/host/convolution.hpp>
#include <lockstep/device/host/patch_convolution.hpp>
#include <lockstep/device/host/portable.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace {

using namespace host_kernels;
using lockstep::convolution_geometry;
using lockstep::window;

static_assert(convolution_geometry<1, 28, 28, 32, window<5, 5, 1, 1, 2, 2>>::out_height == 28);
static_assert(convolution_geometry<3, 7, 8, 4, window<3, 2, 2, 3, 1, 0>>::out_height == 4);
static_assert(convolution_geometry<3, 7, 8, 4, window<3, 2, 2, 3, 1, 0>>::out_width == 3);

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

TEST_CASE("the plain loops convolve as on paper") {
    using g = convolution_geometry<1, 2, 3, 1, window<2, 2, 1, 1, 0, 1>>;
    double const x[] = {1, 2, 3, 4, 5, 6};
    double const w[] = {1, 10, 100, 1000};
    double y[4];
    host::loops::convolution<double, g>(x, w, y, 1, {});
    CHECK((y[0] == 4010 && y[1] == 5421 && y[2] == 6532 && y[3] == 603));
    double const dy[] = {1, 0, 0, 2};
    double dx[6];
    host::loops::convolution_data_gradient<double, g>(dy, w, dx, 1, {});
    CHECK(std::equal(dx, dx + 6, std::vector<double>{10, 0, 2, 1000, 0, 200}.begin()));
    double dw[4];
    host::loops::convolution_weight_gradient<double, g>(x, dy, dw, 1);
    CHECK(std::equal(dw, dw + 4, std::vector<double>{6, 1, 12, 4}.begin()));
}

TEST_CASE_TEMPLATE("convolutions agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<1, 1, 1, 1, window<1, 1, 1, 1, 0, 0>>>();
    check_geometry<With, convolution_geometry<1, 28, 28, 32, window<5, 5, 1, 1, 2, 2>>>();
    check_geometry<With, convolution_geometry<32, 14, 14, 17, window<5, 5, 1, 1, 2, 2>>>();
    check_geometry<With, convolution_geometry<3, 7, 5, 67, window<3, 3, 1, 1, 1, 1>>>();
    check_geometry<With, convolution_geometry<13, 11, 17, 6, window<3, 2, 1, 1, 0, 1>>>();
    check_geometry<With, convolution_geometry<5, 3, 3, 2, window<3, 3, 1, 1, 0, 0>>>();
    check_geometry<With, convolution_geometry<64, 9, 31, 64, window<1, 1, 1, 1, 0, 0>>>();
    check_geometry<With, convolution_geometry<48, 7, 7, 40, window<3, 3, 1, 1, 1, 1>>>();
}

TEST_CASE_TEMPLATE("strided and widely padded convolutions agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<3, 9, 8, 5, window<3, 3, 2, 2, 1, 1>>>();
    check_geometry<With, convolution_geometry<2, 10, 7, 19, window<2, 3, 3, 2, 0, 2>>>();
    check_geometry<With, convolution_geometry<7, 6, 6, 4, window<1, 1, 2, 2, 0, 0>>>(); // some inputs unused
    check_geometry<With, convolution_geometry<2, 4, 5, 3, window<2, 1, 1, 2, 3, 2>>>(); // wider than the kernel
    check_geometry<With, convolution_geometry<4, 2, 2, 3, window<5, 4, 1, 3, 2, 1>>>(); // larger than the image
}

TEST_CASE_TEMPLATE("every phase of a stride has its part of the kernel", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<5, 10, 11, 3, window<4, 4, 2, 2, 1, 1>>>();
    check_geometry<With, convolution_geometry<2, 13, 9, 3, window<3, 3, 3, 4, 0, 2>>>();       // a phase without a tap
    check_geometry<With, convolution_geometry<2, 9, 11, 18, window<3, 3, 2, 3, 2, 1, 2, 2>>>(); // and with a dilation
    check_geometry<With, convolution_geometry<3, 8, 8, 2, window<2, 2, 5, 5, 0, 0>>>();         // gaps between windows
}

TEST_CASE_TEMPLATE("dilated convolutions agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<3, 9, 10, 5, window<3, 3, 1, 1, 0, 0, 2, 2>>>();
    check_geometry<With, convolution_geometry<17, 7, 8, 19, window<3, 2, 1, 1, 2, 1, 3, 2>>>();
    check_geometry<With, convolution_geometry<4, 11, 5, 6, window<3, 1, 1, 2, 2, 0, 2, 1>>>(); // one column
}

TEST_CASE_TEMPLATE("grouped convolutions agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<4, 8, 9, 6, window<3, 3, 1, 1, 1, 1>, 2>>();
    check_geometry<With, convolution_geometry<34, 6, 5, 51, window<2, 3, 2, 1, 1, 1>, 17>>();
    check_geometry<With, convolution_geometry<6, 7, 8, 40, window<3, 3, 1, 2, 1, 2, 2, 1>, 2>>();
    check_geometry<With, convolution_geometry<3, 5, 5, 6, window<3, 3, 1, 1, 1, 1>, 3>>(); // two kernels a channel
    check_geometry<With, convolution_geometry<6, 5, 5, 3, window<1, 1, 1, 1, 0, 0>, 3>>();
}

TEST_CASE_TEMPLATE("depthwise convolutions agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<37, 7, 19, 37, window<3, 3, 1, 1, 1, 1>, 37>>();
    check_geometry<With, convolution_geometry<16, 8, 9, 16, window<3, 5, 2, 2, 1, 2>, 16>>();
    check_geometry<With, convolution_geometry<5, 9, 9, 5, window<2, 3, 1, 3, 0, 3, 3, 2>, 5>>();
}

template <class With, class Geometry>
void check_patches() {
    check_geometry<With, Geometry,
                   host::patch_convolution<typename With::element, Geometry, typename With::library>>();
}

TEST_CASE_TEMPLATE("convolutions as products of patches agree with plain loops", With, EVERY_WITH) {
    check_patches<With, convolution_geometry<3, 5, 7, 4, window<3, 3, 1, 1, 1, 1>>>();
    check_patches<With, convolution_geometry<17, 2, 2, 19, window<3, 2, 1, 1, 1, 1>>>();
    check_patches<With, convolution_geometry<5, 9, 8, 6, window<2, 3, 2, 3, 1, 2, 3, 2>>>();
    check_patches<With, convolution_geometry<2, 13, 11, 3, window<1, 1, 1, 1, 0, 0>>>(); // more than a block of rows
}

TEST_CASE_TEMPLATE("convolutions with large weights and few pixels agree with plain loops", With, EVERY_WITH) {
    check_geometry<With, convolution_geometry<171, 4, 3, 173, window<3, 3, 1, 1, 1, 1>>>();
    check_geometry<With, convolution_geometry<180, 3, 4, 170, window<3, 3, 2, 2, 1, 1>>>();
}

} // namespace
