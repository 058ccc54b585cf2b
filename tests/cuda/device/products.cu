// SPDX-License-Identifier: MIT
// Products by cuBLASLt beside those of our own kernels, on a device.
#include "both_ways.cuh"

#include <limits>

namespace {

using namespace device_tests;
using ls::primitive::batched_matmul;
using ls::primitive::transposed;

template <class T, class Primitive, class A, class B>
void check_product(std::int64_t samples) {
    CAPTURE(Primitive::name);
    using e = ls::compute<Primitive, A, B>;
    using library = typename both_ways<T, e>::library;
    REQUIRE(library::is_chosen(samples));
    both_ways<T, e> p(samples);
    auto const captured = p.by_graph();
    library operation(0, samples);
    auto const found = p.by(operation);
    // Errors of additions go to and fro.
    double const additions = std::sqrt(static_cast<double>(ls::grid::dense_product_of<e>::of(samples).depth));
    CHECK(difference(found, p.by_own_kernels()) <=
          (64 + additions) * static_cast<double>(std::numeric_limits<T>::epsilon()));
    CHECK(p.by(operation) == found);
    CHECK(captured == found);
}

using x = operand<0, ls::shape<8, 256>>;
using w = operand<1, ls::shape<256, 256>, false>;

} // namespace

TEST_CASE_TEMPLATE("products by cuBLASLt are those of our own kernels, and the same bits again", T, float, double) {
    check_product<T, ls::primitive::matmul, x, w>(64);
    check_product<T, ls::primitive::matmul, operand<0, ls::shape<301>>, operand<1, ls::shape<301, 2003>, false>>(77);
    check_product<T, ls::primitive::matmul_right_transposed, x, operand<1, ls::shape<301, 256>, false>>(64);
    check_product<T, ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<8, 301>>>(64);
    // A sum over many rows, which is cut into parts.
    check_product<T, ls::primitive::matmul_left_transposed, operand<0, ls::shape<1024, 32>>,
                  operand<1, ls::shape<1024, 32>>>(64);
}

TEST_CASE_TEMPLATE("batched products by cuBLASLt are those of our own kernels", T, float, double) {
    check_product<T, batched_matmul<transposed::none>, operand<0, ls::shape<1, 3, 60, 50>>,
                  operand<1, ls::shape<1, 3, 50, 70>>>(60);
    check_product<T, batched_matmul<transposed::left>, operand<0, ls::shape<150, 60>, false>,
                  operand<1, ls::shape<150, 70>>>(60);
    check_product<T, batched_matmul<transposed::right>, operand<0, ls::shape<60, 150>>,
                  operand<1, ls::shape<70, 150>, false>>(60);
}

TEST_CASE("convolutions whose window is a pixel by cuBLASLt are those of our own kernels") {
    using pixel = ls::window<1, 1, 1, 1, 0, 0>;
    using g = ls::convolution_geometry<130, 6, 6, 120, pixel>;
    using weights = operand<1, ls::shape<1, 1, 130, 120>, false>;
    check_product<float, ls::primitive::convolution<pixel, 1>, operand<0, ls::shape<130, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_data_gradient<g>, operand<0, ls::shape<120, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_weight_gradient<g>, operand<0, ls::shape<130, 6, 6>>,
                  operand<1, ls::shape<120, 6, 6>>>(64);
}

TEST_CASE("products of bf16 by cuBLASLt are those of our own kernels, rounded or not, and the same bits again") {
    using left = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, ls::leaf_content::bf16>;
    using right = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, ls::leaf_content::bf16>;
    auto const check = [&]<class R>(R, double bound) {
        both_ways<float, ls::compute<ls::primitive::matmul, left, right>, R> p(64);
        typename decltype(p)::library operation(0, 64);
        auto const found = p.by(operation);
        CHECK(difference(found, p.by_own_kernels()) <= bound);
        CHECK(p.by(operation) == found);
        CHECK(p.by_graph() == found);
    };
    check(float{}, 1e-5);
    check(ls::bf16{}, 0x1p-7);
}

TEST_CASE("with TF32 products are rounded, and not by much") {
    using tested = both_ways<float, ls::compute<ls::primitive::matmul, x, w>>;
    tested p(64);
    gpu::allow_tf32(true);
    tested::library operation(0, 64);
    gpu::allow_tf32(false);
    CHECK(difference(p.by(operation), p.by_own_kernels()) < 2e-3);
}
