// SPDX-License-Identifier: MIT
// Strides, padding, dilation and groups, alone and together.
#include "convolution_check.hpp"

namespace {

using namespace host_kernels;
using lockstep::convolution_geometry;
using lockstep::window;

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

} // namespace
