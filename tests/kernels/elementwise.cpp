// SPDX-License-Identifier: MIT
// Elementwise chains for a grid against those of a host.
#include "compare.hpp"

#include <lockstep/expression/function/selection.hpp>
#include <lockstep/expression/function/transcendental.hpp>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;

} // namespace

TEST_CASE_TEMPLATE("elementwise kernels for a grid: operands broadcast along samples, rows and columns", T, float, double) {
    using x = operand<0, ls::shape<5, 3, 4>>;
    using bias = operand<1, ls::shape<5, 1, 1>, false>;
    using column = operand<2, ls::shape<1, 3, 1>>;
    using number = operand<3, ls::shape<>, false>;
    using e = decltype(ls::exp(x{} + bias{}) * column{} - number{} * ls::column_index<ls::shape<5, 3, 4>, true>{} / ls::sample_count{});
    auto const a = random_elements<T>(7 * 60, 1), b = random_elements<T>(5, 2), c = random_elements<T>(7 * 3, 3),
               d = random_elements<T>(1, 4);
    check_same<T, e>({a.data(), b.data(), c.data(), d.data()}, 7);
    check_same<T, e>({a.data(), b.data(), c.data(), d.data()}, 0);
}

TEST_CASE_TEMPLATE("elementwise kernels for a grid: class indices", T, float, double) {
    using x = operand<0, ls::shape<10>>;
    using index = ls::leaf<ls::operand_tag<1>, ls::shape<1>, true, ls::leaf_content::class_index>;
    using e = decltype(x{} - ls::equal(ls::column_index<ls::shape<10>, true>{}, index{}));
    auto const a = random_elements<T>(3 * 10, 1);
    std::vector<std::int32_t> const indices{9, 0, -1};
    check_same<T, e>({a.data(), indices.data()}, 3);
}

TEST_CASE_TEMPLATE("elementwise kernels for a grid: the same random numbers, whatever the rows", T, float, double) {
    auto const check = []<class Shape>(Shape) {
        using e = decltype(ls::uniform_random<1, Shape>{} + ls::uniform_random<0, Shape>{});
        CHECK(on_grid<T, e>({}, 3) == on_host<T, e>({}, 3));
    };
    check(ls::shape<100>{});
    check(ls::shape<7>{});
    check(ls::shape<40, 3, 5>{});
    check(ls::shape<4, 33>{});
    // Four elements at once.
    check(ls::shape<32>{});
    check(ls::shape<5, 96>{});
    check(ls::shape<64, 3, 5>{});
}
