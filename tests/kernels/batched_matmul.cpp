// SPDX-License-Identifier: MIT
// Products for each sample and place for a grid beside those of a host.
#include "member_order.hpp"

namespace {

using namespace grid_kernels;
using ls::primitive::batched_matmul;
using ls::primitive::transposed;

/// All three forms of [M, K] times [K, N] behind the axes Leading.
template <class T, bool SharedA, bool SharedB, int M, int K, int N, int... Leading>
void check_batched(std::initializer_list<std::int64_t> samples) {
    CAPTURE(M);
    CAPTURE(K);
    CAPTURE(N);
    using a = operand<0, ls::shape<Leading..., M, K>, !SharedA>;
    using a_turned = operand<0, ls::shape<Leading..., K, M>, !SharedA>;
    using b = operand<1, ls::shape<Leading..., K, N>, !SharedB>;
    using b_turned = operand<1, ls::shape<Leading..., N, K>, !SharedB>;
    check_primitive<T, batched_matmul<transposed::none>, a, b>(samples);
    check_primitive<T, batched_matmul<transposed::left>, a_turned, b>(samples);
    check_primitive<T, batched_matmul<transposed::right>, a, b_turned>(samples);
}

} // namespace

TEST_CASE_TEMPLATE("batched products for a grid: one matrix a sample", T, float, double) {
    check_batched<T, false, false, 1, 1, 1>({0, 1, 3});
    check_batched<T, false, false, 37, 19, 41>({0, 1, 5});
    check_batched<T, false, false, 5, 600, 7>({1, 3}); // in parts
}

TEST_CASE_TEMPLATE("batched products for a grid: matrices at places", T, float, double) {
    check_batched<T, false, false, 9, 17, 33, 1, 3>({0, 1, 4});
    check_batched<T, false, false, 70, 5, 3, 2, 3>({1, 4});
}

TEST_CASE_TEMPLATE("batched products for a grid: an operand that all samples share", T, float, double) {
    check_batched<T, true, false, 9, 17, 33, 1, 3>({0, 1, 4});
    check_batched<T, false, true, 9, 17, 33, 1, 3>({0, 1, 4});
    check_batched<T, true, true, 9, 300, 10>({1, 4});
}
