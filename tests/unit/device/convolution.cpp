// SPDX-License-Identifier: MIT
#include "convolution_check.hpp"

#include <lockstep/device/host/patch_convolution.hpp>

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
