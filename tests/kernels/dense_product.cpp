// SPDX-License-Identifier: MIT
// What a library is told of a product, beside what a host computes.
#include "member_order.hpp"

#include <lockstep/device/grid/dense_product.hpp>

namespace {

using namespace grid_kernels;
using ls::window;
using ls::grid::dense_product;
using ls::grid::dense_product_of;
using ls::primitive::batched_matmul;
using ls::primitive::transposed;

/// As the numbers say it, one element after the other.
std::vector<double> multiplied(dense_product const& p, double const* left, double const* right) {
    std::vector<double> result;
    for (std::int64_t place = 0; place < p.places; ++place)
        for (std::int64_t row = 0; row < p.rows; ++row)
            for (std::int64_t column = 0; column < p.columns; ++column) {
                double sum = 0;
                for (std::int64_t k = 0; k < p.depth; ++k) {
                    std::int64_t const a = p.left_transposed ? k * p.rows + row : row * p.depth + k;
                    std::int64_t const b = p.right_transposed ? column * p.depth + k : k * p.columns + column;
                    sum += left[place * p.left_step + a] * right[place * p.right_step + b];
                }
                result.push_back(sum);
            }
    return result;
}

template <class Primitive, class A, class B>
void check_product(std::initializer_list<std::int64_t> samples) {
    using e = ls::compute<Primitive, A, B>;
    static_assert(dense_product_of<e>::found);
    for (std::int64_t const n : samples) {
        CAPTURE(n);
        auto const a = elements_of<double, A>(n, 1), b = elements_of<double, B>(n, 2);
        dense_product const p = dense_product_of<e>::of(n);
        CHECK(p.result_step() * p.places == result_size<double, e>(n));
        CHECK(difference(multiplied(p, a.data(), b.data()), on_host<double, e>({a.data(), b.data()}, n)) < 1e-13);
    }
}

template <bool SharedA, bool SharedB, int M, int K, int N, int... Leading>
void check_batched() {
    using a = operand<0, ls::shape<Leading..., M, K>, !SharedA>;
    using a_turned = operand<0, ls::shape<Leading..., K, M>, !SharedA>;
    using b = operand<1, ls::shape<Leading..., K, N>, !SharedB>;
    using b_turned = operand<1, ls::shape<Leading..., N, K>, !SharedB>;
    check_product<batched_matmul<transposed::none>, a, b>({1, 3});
    check_product<batched_matmul<transposed::left>, a_turned, b>({1, 3});
    check_product<batched_matmul<transposed::right>, a, b_turned>({1, 3});
}

template <class Window, int Groups = 1>
using convolved = ls::compute<ls::primitive::convolution<Window, Groups>, operand<0, ls::shape<4, 5, 6>>,
                              operand<1, ls::shape<Window::kernel_height, Window::kernel_width, 4 / Groups, 8>, false>>;
static_assert(dense_product_of<convolved<window<1, 1, 1, 1, 0, 0>>>::found);
static_assert(!dense_product_of<convolved<window<1, 1, 2, 1, 0, 0>>>::found, "some pixels only");
static_assert(!dense_product_of<convolved<window<1, 1, 1, 1, 0, 1>>>::found, "more pixels");
static_assert(!dense_product_of<convolved<window<1, 2, 1, 1, 0, 0>>>::found);
static_assert(!dense_product_of<convolved<window<1, 1, 1, 1, 0, 0>, 2>>::found);
static_assert(!dense_product_of<ls::compute<batched_matmul<transposed::none>, operand<0, ls::shape<1, 3, 4, 5>>,
                                            operand<1, ls::shape<1, 3, 5, 6>, false>>>::found,
              "matrices that all samples share, another one at each place");
static_assert(!dense_product_of<ls::compute<ls::primitive::softmax, operand<0, ls::shape<4>>>>::found);

static_assert(dense_product{512, 256, 256}.is_large());
static_assert(!dense_product{511, 256, 256}.is_large(), "too little work");
static_assert(dense_product{64, 64, 64, false, false, 128, 4096, 4096}.is_large(), "small ones, but many");
static_assert(!dense_product{0, 1024, 1024}.is_large());
static_assert(!dense_product{std::int64_t{1} << 31, 64, 64}.is_large(), "a library counts in 32 bits");

} // namespace

TEST_CASE("products as numbers: a matrix that all samples share") {
    check_product<ls::primitive::matmul, operand<0, ls::shape<3, 2, 3, 7>>, operand<1, ls::shape<7, 5>, false>>({1, 4});
    check_product<ls::primitive::matmul, operand<0, ls::shape<13, 7>, false>, operand<1, ls::shape<7, 5>, false>>(
        {1, 4});
    check_product<ls::primitive::matmul_right_transposed, operand<0, ls::shape<5>>, operand<1, ls::shape<7, 5>, false>>(
        {1, 4});
    check_product<ls::primitive::matmul_left_transposed, operand<0, ls::shape<3, 7>>, operand<1, ls::shape<3, 5>>>(
        {0, 1, 4});
}

TEST_CASE("products as numbers: one for each sample and place") {
    check_batched<false, false, 5, 3, 4>();
    check_batched<false, false, 5, 3, 4, 1, 3>();
    check_batched<true, false, 5, 3, 4>();
    check_batched<false, true, 5, 3, 4>();
    check_batched<true, true, 5, 3, 4>();
}

TEST_CASE("products as numbers: convolutions whose window is a pixel") {
    using pixel = window<1, 1, 1, 1, 0, 0>;
    using g = ls::convolution_geometry<3, 4, 5, 7, pixel>;
    using weights = operand<1, ls::shape<1, 1, 3, 7>, false>;
    check_product<ls::primitive::convolution<pixel, 1>, operand<0, ls::shape<3, 4, 5>>, weights>({1, 3});
    check_product<ls::primitive::convolution_data_gradient<g>, operand<0, ls::shape<7, 4, 5>>, weights>({1, 3});
    check_product<ls::primitive::convolution_weight_gradient<g>, operand<0, ls::shape<3, 4, 5>>,
                  operand<1, ls::shape<7, 4, 5>>>({1, 3});
}
