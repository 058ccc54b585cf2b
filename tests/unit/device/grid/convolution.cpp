// SPDX-License-Identifier: MIT
// Convolutions and their gradients for a grid beside those of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::window;

template <class T, int Channels, int Height, int Width, int OutChannels, class Window, int Groups = 1>
void check_convolution(std::initializer_list<std::int64_t> samples) {
    using g = ls::convolution_geometry<Channels, Height, Width, OutChannels, Window, Groups>;
    using weight_shape = ls::shape<g::kernel_height, g::kernel_width, g::group_in, OutChannels>;
    using image = ls::shape<Channels, Height, Width>;
    using out_image = ls::shape<OutChannels, g::out_height, g::out_width>;
    CAPTURE(Channels);
    CAPTURE(OutChannels);
    CAPTURE(g::kernel_height);
    check_primitive<T, ls::primitive::convolution<Window, Groups>, operand<0, image>, operand<1, weight_shape, false>>(samples);
    check_primitive<T, ls::primitive::convolution_data_gradient<g>, operand<0, out_image>, operand<1, weight_shape, false>>(samples);
    check_primitive<T, ls::primitive::convolution_weight_gradient<g>, operand<0, image>, operand<1, out_image>>(samples);
}

} // namespace

TEST_CASE_TEMPLATE("convolutions for a grid: one pixel, one channel, the whole image", T, float, double) {
    check_convolution<T, 1, 1, 1, 1, window<1, 1, 1, 1, 0, 0>>({0, 1, 3});
    check_convolution<T, 3, 5, 4, 7, window<5, 4, 1, 1, 0, 0>>({0, 1, 4});
    check_convolution<T, 19, 3, 5, 33, window<1, 1, 1, 1, 0, 0>>({1, 11});
}

TEST_CASE_TEMPLATE("convolutions for a grid: padding, strides, dilation", T, float, double) {
    check_convolution<T, 1, 28, 28, 8, window<3, 3, 1, 1, 1, 1>>({0, 1, 3});
    check_convolution<T, 3, 7, 8, 4, window<3, 2, 2, 3, 1, 0>>({0, 1, 5});
    check_convolution<T, 17, 7, 8, 19, window<3, 2, 1, 1, 2, 1, 3, 2>>({1, 5});
    check_convolution<T, 4, 11, 5, 6, window<3, 1, 1, 2, 2, 0, 2, 1>>({1, 3});
    check_convolution<T, 5, 9, 9, 70, window<3, 3, 2, 2, 1, 1, 2, 2>>({1, 3});
    check_convolution<T, 2, 6, 7, 3, window<2, 2, 3, 3, 0, 0>>({0, 1, 3}); // pixels that no window sees
}

TEST_CASE_TEMPLATE("convolutions for a grid: sums that are cut into parts", T, float, double) {
    check_convolution<T, 33, 5, 5, 40, window<3, 3, 1, 1, 1, 1>>({0, 1, 50});
}

TEST_CASE_TEMPLATE("convolutions for a grid: groups of channels", T, float, double) {
    check_convolution<T, 18, 6, 5, 20, window<3, 3, 1, 1, 1, 1>, 2>({0, 1, 7});
    check_convolution<T, 34, 6, 5, 51, window<2, 3, 2, 1, 1, 1>, 17>({0, 1, 7});
    check_convolution<T, 6, 7, 8, 40, window<3, 3, 1, 2, 1, 2, 2, 1>, 2>({1, 3});
}

TEST_CASE_TEMPLATE("convolutions for a grid: a window for each channel", T, float, double) {
    check_convolution<T, 37, 7, 19, 37, window<3, 3, 1, 1, 1, 1>, 37>({0, 1, 5});
    check_convolution<T, 5, 9, 9, 5, window<2, 3, 1, 3, 0, 3, 3, 2>, 5>({0, 1, 4});
    check_convolution<T, 3, 5, 5, 6, window<3, 3, 1, 1, 1, 1>, 3>({1, 40});
}
