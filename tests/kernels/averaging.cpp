// SPDX-License-Identifier: MIT
// Averages over parts of images and their gradients for a grid beside those of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::window;

template <class T, int Channels, int Height, int Width, class Average>
void check_average() {
    using g = ls::averaging_geometry<Channels, Height, Width, Average>;
    using x = operand<0, ls::shape<Channels, Height, Width>>;
    using dy = operand<0, ls::shape<Channels, g::out_height, g::out_width>>;
    CAPTURE(Channels);
    CAPTURE(g::out_width);
    for (std::int64_t const n : {0, 1, 3}) {
        auto const image = elements_of<T, x>(n, 1), upstream = elements_of<T, dy>(n, 2);
        check_same<T, ls::compute<ls::primitive::avg_pool<Average>, x>>({image.data()}, n);
        check_same<T, ls::compute<ls::primitive::avg_pool_gradient<g>, dy>>({upstream.data()}, n);
    }
}

} // namespace

TEST_CASE_TEMPLATE("averages for a grid: windows that tile, overlap, leave gaps or are padded", T, float, double) {
    check_average<T, 1, 1, 1, ls::moving_average<window<1, 1, 1, 1, 0, 0>, true>>();
    check_average<T, 17, 8, 6, ls::moving_average<window<2, 2, 2, 2, 0, 0>, true>>();
    check_average<T, 5, 7, 9, ls::moving_average<window<3, 3, 2, 2, 1, 1>, true>>();
    check_average<T, 5, 7, 9, ls::moving_average<window<3, 2, 1, 2, 1, 1>, false>>();
    check_average<T, 3, 11, 8, ls::moving_average<window<2, 3, 4, 5, 0, 0>, false>>();
}

TEST_CASE_TEMPLATE("averages for a grid: a given number of parts", T, float, double) {
    check_average<T, 19, 7, 7, ls::adaptive_average<1, 1>>();
    check_average<T, 3, 7, 10, ls::adaptive_average<3, 4>>(); // parts overlap
    check_average<T, 2, 3, 4, ls::adaptive_average<5, 9>>();  // more parts than pixels
}

TEST_CASE_TEMPLATE("averages for a grid: one image for all samples", T, float, double) {
    using average = ls::moving_average<window<2, 2, 1, 1, 0, 0>, true>;
    using g = ls::averaging_geometry<3, 4, 5, average>;
    using forward = ls::compute<ls::primitive::avg_pool<average>, operand<0, ls::shape<3, 4, 5>, false>>;
    using gradient = ls::compute<ls::primitive::avg_pool_gradient<g>, operand<0, ls::shape<3, 3, 4>, false>>;
    auto const x = host_kernels::random_elements<T>(60, 1);
    CHECK(difference(on_grid<T, forward>({x.data()}, 5), on_host<T, forward>({x.data()}, 1)) < 1e-6);
    CHECK(difference(on_grid<T, gradient>({x.data()}, 5), on_host<T, gradient>({x.data()}, 1)) < 1e-6);
}
