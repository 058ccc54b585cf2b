// SPDX-License-Identifier: MIT
// Layer, group and RMS normalization for a grid against a host's, and their gradients.
#include "member_order.hpp"

#include <lockstep/expression/normalize.hpp>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;

template <class T, class Shape, int Groups, bool PerSample = true>
void compare(std::int64_t samples) {
    using x = operand<0, Shape, PerSample>;
    using g = operand<1, Shape, PerSample>;
    std::int64_t const count = Shape::size * (PerSample ? std::max<std::int64_t>(samples, 1) : 1);
    auto values = random_elements<T>(count, 1);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += static_cast<T>(i % 3); // a mean that is not 0
    auto const upstream = random_elements<T>(count, 2);
    auto const check = [&]<ls::normalization How>(std::integral_constant<ls::normalization, How>) {
        INFO(to_string(ls::extents_of<Shape>()), ", ", Groups, " groups, ", samples, " samples");
        using value = ls::compute<ls::primitive::normalize<Groups, 1e-5, How>, x>;
        using gradient = ls::compute<ls::primitive::normalize_gradient<Groups, 1e-5, How>, x, g>;
        check_any_order<T, value>({values.data()}, samples, samples);
        check_any_order<T, gradient>({values.data(), upstream.data()}, samples, samples);
    };
    check(std::integral_constant<ls::normalization, ls::normalization::mean_and_variance>{});
    check(std::integral_constant<ls::normalization, ls::normalization::mean_square>{});
}

} // namespace

TEST_CASE_TEMPLATE("normalization for a grid: rows of a sample", T, float, double) {
    compare<T, ls::shape<10>, 1>(0);
    compare<T, ls::shape<10>, 1>(37);
    compare<T, ls::shape<7, 33>, 7>(3);
    compare<T, ls::shape<2, 3, 2, 5>, 6>(2);
    compare<T, ls::shape<24>, 8>(3);
    compare<T, ls::shape<5, 1025>, 5>(1);
    compare<T, ls::shape<9001>, 1>(2);
    compare<T, ls::shape<4, 6>, 4, false>(3);
}

TEST_CASE_TEMPLATE("normalization for a grid: channels of an image", T, float, double) {
    compare<T, ls::shape<12, 5, 3>, 4>(2);
    compare<T, ls::shape<12, 5, 3>, 1>(2);
    compare<T, ls::shape<6, 7, 5>, 6>(3); // each channel by itself
    compare<T, ls::shape<64, 9, 11>, 2>(2);
    compare<T, ls::shape<3, 61, 53>, 1>(1);
    compare<T, ls::shape<1, 4, 4>, 1>(3);
    compare<T, ls::shape<8, 2, 2>, 2>(0);
}
