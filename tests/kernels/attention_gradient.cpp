// SPDX-License-Identifier: MIT
// The gradient of attention for a grid beside that of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::attention_mask;

template <class T, int Positions, int Features, int Heads, attention_mask Mask>
void check_gradient(std::initializer_list<std::int64_t> samples) {
    using qkv = operand<0, ls::shape<Positions, 3 * Features>>;
    using upstream = operand<1, ls::shape<Positions, Features>>;
    CAPTURE(Positions);
    CAPTURE(Features);
    CAPTURE(Heads);
    check_primitive<T, ls::primitive::attention_gradient<Heads, Mask>, qkv, upstream>(samples);
}

} // namespace

TEST_CASE_TEMPLATE("gradients of attention for a grid: extents that are no multiples of a tile", T, float, double) {
    check_gradient<T, 1, 1, 1, attention_mask::none>({0, 1, 3});
    check_gradient<T, 5, 6, 2, attention_mask::causal>({0, 1, 3});
    check_gradient<T, 32, 16, 1, attention_mask::none>({1, 2});
    check_gradient<T, 67, 40, 4, attention_mask::none>({0, 1, 2});
    check_gradient<T, 67, 37, 1, attention_mask::causal>({1, 2});
}

TEST_CASE_TEMPLATE("gradients of attention for a grid: heads so wide that a tile has few positions", T, float, double) {
    check_gradient<T, 21, 600, 1, attention_mask::causal>({2});
}

TEST_CASE_TEMPLATE("gradients of attention for a grid: weights that are nearly 0 and 1", T, float, double) {
    using qkv = operand<0, ls::shape<45, 30>>;
    using upstream = operand<1, ls::shape<45, 10>>;
    using e = ls::compute<ls::primitive::attention_gradient<2, attention_mask::causal>, qkv, upstream>;
    auto x = elements_of<T, qkv>(2, 1);
    auto const g = elements_of<T, upstream>(2, 2);
    for (T& value : x) value *= 20;
    auto const found = on_grid<T, e>({x.data(), g.data()}, 2), expected = on_host<T, e>({x.data(), g.data()}, 2);
    // Scores of hundreds carry their rounding into the exponent.
    CHECK(difference(found, expected) <= 4096 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}
