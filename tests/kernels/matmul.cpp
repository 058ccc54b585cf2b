// SPDX-License-Identifier: MIT
// Matrix products for a grid beside those of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;

template <class T, int In, int Out, class Rows = ls::shape<>>
struct products {
    template <class Leading, int Last>
    struct with_last_of;
    template <int... Leading, int Last>
    struct with_last_of<ls::shape<Leading...>, Last> {
        using type = ls::shape<Leading..., Last>;
    };
    template <int Index, int Last>
    using value = operand<Index, typename with_last_of<Rows, Last>::type>;
    using weight = operand<1, ls::shape<In, Out>, false>;

    static void check(std::initializer_list<std::int64_t> samples) {
        CAPTURE(In);
        CAPTURE(Out);
        check_primitive<T, ls::primitive::matmul, value<0, In>, weight>(samples);
        check_primitive<T, ls::primitive::matmul_right_transposed, value<0, Out>, weight>(samples);
        check_primitive<T, ls::primitive::matmul_left_transposed, value<0, In>, value<1, Out>>(samples);
    }
};

template <class Product>
using split = ls::grid::product_split<Product>;
using long_sum =
    ls::grid::matmul_left_transposed_product<float, operand<0, ls::shape<64, 100>>, operand<1, ls::shape<64, 70>>>;
static_assert(split<long_sum>::parts(64) > 16, "a sum over many rows occupies a device");
static_assert(split<long_sum>::parts(0) == 1 && split<long_sum>::parts(1) == 1);
using large = ls::grid::matmul_product<float, operand<0, ls::shape<512, 512>>, operand<1, ls::shape<512, 512>, false>>;
static_assert(split<large>::parts(64) == 1, "enough tiles");

} // namespace

TEST_CASE_TEMPLATE("matrix products for a grid: shapes that are no multiples of a tile", T, float, double) {
    products<T, 1, 1>::check({0, 1, 3});
    products<T, 7, 10>::check({0, 1, 67, 131});
    products<T, 97, 71>::check({1, 129});
    products<T, 16, 128>::check({64, 300});
}

TEST_CASE_TEMPLATE("matrix products for a grid: sums that are cut into parts", T, float, double) {
    products<T, 401, 10>::check({0, 1, 29, 600});
    products<T, 5, 270>::check({300, 2000});
}

TEST_CASE_TEMPLATE("matrix products for a grid: the rows of several axes", T, float, double) {
    products<T, 19, 33, ls::shape<5>>::check({0, 1, 4, 31});
    products<T, 34, 7, ls::shape<3, 2, 3>>::check({0, 1, 23});
}

TEST_CASE("matrix products for a grid: one value for all samples") {
    using x = operand<0, ls::shape<300, 21>, false>;
    check_primitive<float, ls::primitive::matmul, x, operand<1, ls::shape<21, 17>, false>>({1, 5});
    check_primitive<float, ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<300, 17>, false>>({1, 5});
}

TEST_CASE("matrix products for a grid: scratch memory suffices for fewer samples too") {
    using x = operand<0, ls::shape<16, 512>>;
    using w = operand<1, ls::shape<512, 64>, false>;
    using product = ls::grid::matmul_product<float, x, w>;
    using kernels = ls::grid::kernels_for<float, ls::compute<ls::primitive::matmul, x, w>>;
    std::int64_t const capacity = 2000;
    CHECK(split<product>::parts(capacity) == 1); // whose own result needs none
    for (std::int64_t n = 1; n <= capacity; ++n)
        if (split<product>::parts(n) > 1)
            CHECK(split<product>::parts(n) * product::result_size(n) * 4 <= kernels::scratch_bytes(capacity));
    CHECK(split<product>::parts(1) > 1);
}

TEST_CASE("matrix products for a grid: what is not a number stays where it is") {
    using e = ls::compute<ls::primitive::matmul, operand<0, ls::shape<20>>, operand<1, ls::shape<20, 10>, false>>;
    auto a = host_kernels::random_elements<float>(5 * 20, 1);
    auto const b = host_kernels::random_elements<float>(20 * 10, 2);
    a[2 * 20 + 19] = std::numeric_limits<float>::quiet_NaN();
    auto const found = on_grid<float, e>({a.data(), b.data()}, 5);
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::isnan(found[i]) == (i / 10 == 2));
}
