// SPDX-License-Identifier: MIT
// Gradients of gradients, of expressions that mix elementwise functions, products and reductions: against differences
// of the first ones, computed by evaluate.
#include "check.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/layer/activation.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;
using ls::shape;

constexpr ls::samples<struct points, shape<3>> x;
constexpr ls::samples<struct sequences, shape<2, 3>> s;
constexpr ls::variable<struct matrix, shape<3, 3>> w;
constexpr ls::variable<struct direction, shape<3, 3>> d;
constexpr int samples = 2;

/// f's gradient by w, and its product with a direction differentiated once more, against differences of f and of that
/// product.
void check_second(char const* what, auto f) {
    std::mt19937_64 generator(1);
    std::vector<double> const x_values = random_values(3 * samples, generator),
                              s_values = random_values(6 * samples, generator),
                              d_values = random_values(9, generator);
    std::vector<double> w_values = random_values(9, generator);
    auto evaluate = [&](auto e) {
        auto const result = ls::evaluate<double, ls::host::portable>(e, ls::given(w, w_values), ls::given(x, x_values),
                                                                     ls::given(s, s_values), ls::given(d, d_values));
        return std::vector<double>(result.elements().begin(), result.elements().end());
    };
    auto const first = gradient(f, w);
    auto const along = ls::sum(first * d);
    check_gradient(std::string(what) + ", first", evaluate(first), w_values, [&] { return evaluate(f)[0]; });
    check_gradient(std::string(what) + ", second", evaluate(gradient(along, w)), w_values,
                   [&] { return evaluate(along)[0]; });
}

} // namespace

TEST_CASE("second derivatives are those that differences of first ones show") {
    auto const total = [](auto e) { return sum_over_batch(e); };
    auto const y = matmul(x, w);
    check_second("square of a product", total(square(y)));
    check_second("tanh of a product", total(ls::tanh{}(y) * x));
    check_second("two products", total(square(matmul(ls::tanh{}(y), w))));
    check_second("product of the weight with itself", total(square(matmul(x, matmul(w, w)))));
    check_second("a norm", total(sqrt(ls::sum(y * y) + ls::number<0.5>)));
    check_second("rows normalized by their sum", total(square(exp(y) / ls::sum<-1>(exp(y)) - x)));
    check_second("logsumexp", total(square(logsumexp(y))));
    check_second("softmax", total(x * ls::compute<ls::primitive::softmax, std::remove_const_t<decltype(y)>>{} * y));
    check_second("a mean over the batch", total(square(y - ls::sum_to<shape<3>, false>(y) / ls::sample_count{})));
    check_second("the weight alone", ls::sum(w * w * w));
    check_second("rows of a sequence", total(square(ls::tanh{}(matmul(s, w)) - ls::mean<0>(matmul(s, w)))));
    check_second("products of samples", total(square(matmul(matmul(s, w), ls::transpose<1, 0>(s)))));
    check_second("moved parts", total(square(ls::concat<0>(ls::slice<0, 1, 2>(matmul(s, w)), s) * w)
                                          * ls::reshape<shape<3, 3>>(ls::concat<0>(x, y, x))));
    check_second("penalty of a gradient", square(ls::sum(square(gradient(total(ls::tanh{}(y)), w)))));
}
