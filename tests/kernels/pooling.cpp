// SPDX-License-Identifier: MIT
// Maxima over windows and their gradients for a grid beside those of a host: the same bits.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;
using ls::window;

template <class Geometry>
using image = ls::shape<Geometry::channels, Geometry::in_height, Geometry::in_width>;
template <class Geometry>
using pooled = ls::shape<Geometry::channels, Geometry::out_height, Geometry::out_width>;

template <class T, int Channels, int Height, int Width, class Window>
void check_pooling() {
    using g = ls::pooling_geometry<Channels, Height, Width, Window>;
    using forward = ls::compute<ls::primitive::max_pool<Window>, operand<0, image<g>>>;
    using gradient = ls::compute<ls::primitive::max_pool_gradient<g>, operand<0, image<g>>, operand<1, pooled<g>>>;
    CAPTURE(Channels);
    CAPTURE(g::kernel_width);
    for (std::int64_t const n : {0, 1, 3}) {
        auto x = random_elements<T>(n * g::input_size, 1);
        for (T& value : x) value = std::round(value * 4); // ties in most windows
        auto const dy = random_elements<T>(n * g::output_size, 2);
        CHECK(on_grid<T, forward>({x.data()}, n) == on_host<T, forward>({x.data()}, n));
        CHECK(on_grid<T, gradient>({x.data(), dy.data()}, n) == on_host<T, gradient>({x.data(), dy.data()}, n));
    }
}

} // namespace

TEST_CASE_TEMPLATE("max pooling for a grid: windows that tile, overlap or leave gaps", T, float, double) {
    check_pooling<T, 1, 1, 1, window<1, 1, 1, 1, 0, 0>>();
    check_pooling<T, 32, 28, 28, window<2, 2, 2, 2, 0, 0>>();
    check_pooling<T, 17, 7, 9, window<2, 2, 2, 2, 0, 0>>(); // last row and column unused
    check_pooling<T, 5, 7, 9, window<3, 3, 2, 2, 1, 1>>();
    check_pooling<T, 67, 5, 6, window<3, 2, 1, 1, 1, 1>>();
    check_pooling<T, 3, 11, 8, window<2, 3, 4, 5, 0, 0>>();
    check_pooling<T, 16, 6, 6, window<6, 6, 6, 6, 0, 0>>();
    check_pooling<T, 9, 9, 8, window<3, 2, 1, 2, 1, 1, 2, 3>>();
}

TEST_CASE_TEMPLATE("max pooling for a grid: one image for all samples", T, float, double) {
    using e = ls::compute<ls::primitive::max_pool<window<2, 2, 1, 1, 0, 0>>, operand<0, ls::shape<3, 4, 5>, false>>;
    auto const x = random_elements<T>(60, 1);
    CHECK(on_grid<T, e>({x.data()}, 5) == on_host<T, e>({x.data()}, 1));
}

TEST_CASE_TEMPLATE("max pooling for a grid: a NaN wins, and its place takes the gradient", T, float, double) {
    using whole = window<2, 2, 2, 2, 0, 0>;
    using g = ls::pooling_geometry<2, 2, 2, whole>;
    using forward = ls::compute<ls::primitive::max_pool<whole>, operand<0, image<g>>>;
    using gradient = ls::compute<ls::primitive::max_pool_gradient<g>, operand<0, image<g>>, operand<1, pooled<g>>>;
    T const nan = std::numeric_limits<T>::quiet_NaN();
    T const inf = std::numeric_limits<T>::infinity();
    T const x[] = {1, -inf, nan, -inf, 5, -inf, 2, -inf}; // pixel by pixel, two channels each
    T const dy[] = {3, 4};
    auto const y = on_grid<T, forward>({x}, 1);
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == -inf);
    CHECK(on_grid<T, gradient>({x, dy}, 1) == std::vector<T>{0, 4, 3, 0, 0, 0, 0, 0});
}
