// SPDX-License-Identifier: MIT
// Convolutions and their gradients for a grid beside those of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::window;

template <class T, int Channels, int Height, int Width, int OutChannels, class Window, int Groups = 1>
void check_convolution(std::initializer_list<std::int64_t> samples) {
    using g = ls::convolution_geometry<Channels, Height, Width, OutChannels, Window, Groups>;
    using weight = operand<1, ls::shape<g::kernel_height, g::kernel_width, g::group_in, OutChannels>, false>;
    using image = ls::shape<Channels, Height, Width>;
    using out_image = ls::shape<OutChannels, g::out_height, g::out_width>;
    using namespace ls::primitive;
    CAPTURE(Channels);
    CAPTURE(OutChannels);
    CAPTURE(g::kernel_height);
    check_primitive<T, convolution<Window, Groups>, operand<0, image>, weight>(samples);
    check_primitive<T, convolution_data_gradient<g>, operand<0, out_image>, weight>(samples);
    check_primitive<T, convolution_weight_gradient<g>, operand<0, image>, operand<1, out_image>>(samples);
}

// Of 3 x 3 taps and a stride of 2, the four classes of pixels meet 4, 2, 2 and 1.
template <class Geometry>
constexpr bool every_tap_once = [] {
    std::int64_t taps = 0;
    for (int i = 0; i < ls::grid::image_class<Geometry>::count; ++i)
        taps += ls::grid::image_class<Geometry>::of(i).taps();
    return taps == Geometry::kernel_height * Geometry::kernel_width;
}();
using halved = ls::convolution_geometry<1, 28, 28, 1, window<3, 3, 2, 2, 1, 1>>;
static_assert(ls::grid::image_class<halved>::of(0).taps() == 1 && ls::grid::image_class<halved>::of(3).taps() == 4);
static_assert(every_tap_once<halved>);
static_assert(every_tap_once<ls::convolution_geometry<1, 11, 13, 1, window<5, 4, 3, 2, 1, 2>>>);
static_assert(every_tap_once<ls::convolution_geometry<1, 9, 9, 1, window<2, 3, 1, 3, 0, 3, 3, 2>>>);

} // namespace

TEST_CASE_TEMPLATE("convolutions for a grid: one pixel, one channel, the whole image", T, float, double) {
    check_convolution<T, 1, 1, 1, 1, window<1, 1, 1, 1, 0, 0>>({0, 1, 3});
    check_convolution<T, 3, 5, 4, 7, window<5, 4, 1, 1, 0, 0>>({0, 1, 4});
    check_convolution<T, 19, 3, 5, 33, window<1, 1, 1, 1, 0, 0>>({1, 11});
}

TEST_CASE_TEMPLATE("convolutions for a grid: padding, strides, dilation", T, float, double) {
    check_convolution<T, 1, 28, 28, 8, window<3, 3, 1, 1, 1, 1>>({0, 1, 3});
    check_convolution<T, 17, 7, 8, 19, window<3, 2, 1, 1, 2, 1, 3, 2>>({1, 5});
    check_convolution<T, 5, 9, 9, 70, window<3, 3, 2, 2, 1, 1, 2, 2>>({1, 3});
    check_convolution<T, 2, 6, 7, 3, window<2, 2, 3, 3, 0, 0>>({0, 1, 3}); // pixels that no window sees
}

TEST_CASE_TEMPLATE("convolutions for a grid: sums that are cut into parts", T, float, double) {
    check_convolution<T, 33, 5, 5, 40, window<3, 3, 1, 1, 1, 1>>({0, 1, 50});
}

TEST_CASE_TEMPLATE("convolutions for a grid: groups of channels", T, float, double) {
    check_convolution<T, 18, 6, 5, 20, window<3, 3, 1, 1, 1, 1>, 2>({0, 1, 7});
    check_convolution<T, 34, 6, 5, 51, window<2, 3, 2, 1, 1, 1>, 17>({0, 1, 7});
}

TEST_CASE_TEMPLATE("convolutions for a grid: a window for each channel", T, float, double) {
    check_convolution<T, 37, 7, 19, 37, window<3, 3, 1, 1, 1, 1>, 37>({0, 1, 5});
    check_convolution<T, 5, 9, 9, 5, window<2, 3, 1, 3, 0, 3, 3, 2>, 5>({0, 1, 4});
    check_convolution<T, 3, 5, 5, 6, window<3, 3, 1, 1, 1, 1>, 3>({1, 40});
}
