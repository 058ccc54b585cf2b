// SPDX-License-Identifier: MIT
// backward(expression, upstream) alone: what it derives as types, and a gradient's own gradient as numbers.
#include "../unit/expression/evaluate.hpp"

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/gradient.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/pooling.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/layer/activation.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <concepts>

namespace {

namespace ls = lockstep;
namespace function = ls::function;
namespace primitive = ls::primitive;
using ls::shape;

using tests::evaluate;
using tests::point;
using tests::u;
using tests::v;
using tests::w_tag;
using tests::x_tag;

struct b_tag {};
struct g_tag {};

template <class Shape>
using sample = ls::leaf<x_tag, Shape, true>;
template <class E>
using plain = std::remove_const_t<E>;
template <class Shape>
using upstream = ls::leaf<g_tag, Shape, true>;

// ---- a linear layer: three products and a sum over samples, derived from one expression ----

constexpr sample<shape<7>> x;
constexpr ls::leaf<w_tag, shape<7, 5>, false> w;
constexpr ls::leaf<b_tag, shape<5>, false> b;
constexpr upstream<shape<5>> g;
constexpr auto linear = matmul(x, w) + b;

using x_gradient = decltype(ls::backward<x_tag>(linear, g));
static_assert(std::same_as<x_gradient, ls::compute<primitive::matmul_right_transposed, plain<decltype(g)>,
                                                   plain<decltype(w)>>>);
static_assert(std::same_as<x_gradient::result_shape, shape<7>> && x_gradient::per_sample);
using w_gradient = decltype(ls::backward<w_tag>(linear, g));
static_assert(std::same_as<w_gradient, ls::compute<primitive::matmul_left_transposed, plain<decltype(x)>,
                                                   plain<decltype(g)>>>);
static_assert(std::same_as<w_gradient::result_shape, shape<7, 5>> && !w_gradient::per_sample);
using b_gradient = decltype(ls::backward<b_tag>(linear, g));
static_assert(std::same_as<b_gradient, ls::compute<primitive::sum_to<shape<5>, false>, plain<decltype(g)>>>);

// The products are closed under differentiation: the gradient of a gradient is a product again.
using again = decltype(ls::backward<g_tag>(w_gradient{}, ls::leaf<b_tag, shape<7, 5>, false>{}));
static_assert(std::same_as<again, ls::compute<primitive::matmul, plain<decltype(x)>, ls::leaf<b_tag, shape<7, 5>, false>>>);

// What is not reached has no gradient, nor has what a condition or an index alone depends on.
static_assert(std::same_as<decltype(ls::backward<w_tag>(x, g)), ls::no_gradient>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(less(x, x), x)), ls::no_gradient>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(argmax(x), ls::literal<1.0>{})), ls::no_gradient>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(x, g)), plain<decltype(g)>>);

// Functions that know their slope from their result read no argument.
using relu_gradient = decltype(ls::backward<x_tag>(ls::relu{}(x), upstream<shape<7>>{}));
using relu_result = ls::apply<function::relu, sample<shape<7>>>;
static_assert(std::same_as<relu_gradient,
                           ls::apply<function::where, ls::apply<function::stop_gradient, relu_result>,
                                     upstream<shape<7>>, ls::literal<0.0>>>);

// Shapes of a convolution's and a pooling's gradients.
using window = ls::window<3, 2, 2, 1, 1, 0>;
using image = sample<shape<3, 8, 9>>;
using filter = ls::leaf<w_tag, shape<3, 2, 3, 4>, false>;
using convolved = decltype(ls::convolve<window>(image{}, filter{}));
static_assert(std::same_as<convolved::result_shape, shape<4, 4, 8>>);
using from_convolved = upstream<convolved::result_shape>;
static_assert(std::same_as<decltype(ls::backward<x_tag>(convolved{}, from_convolved{}))::result_shape, shape<3, 8, 9>>);
static_assert(std::same_as<decltype(ls::backward<w_tag>(convolved{}, from_convolved{}))::result_shape, shape<3, 2, 3, 4>>);
using pooled = decltype(ls::max_pool<ls::window<2, 2, 2, 2, 0, 0>>(image{}));
static_assert(std::same_as<pooled::result_shape, shape<3, 4, 4>>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(pooled{}, upstream<shape<3, 4, 4>>{}))::result_shape, shape<3, 8, 9>>);

// What is a constant by name has no gradient either.
static_assert(std::same_as<decltype(ls::backward<x_tag>(stop_gradient(x), x)), ls::no_gradient>);
using kept = decltype(stop_gradient(x));
static_assert(std::same_as<decltype(ls::backward<x_tag>(x * stop_gradient(x), upstream<shape<7>>{})),
                           ls::apply<function::multiply, upstream<shape<7>>, kept>>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(greater(x, ls::number<1.0>), x)), ls::no_gradient>);
static_assert(std::same_as<decltype(ls::backward<x_tag>(sign(x), x)), ls::no_gradient>);

// ---- numbers: scalars ----

/// First, second and mixed derivatives of an expression in u and v against differences.
template <class E>
void check_derivatives(E e) {
    auto const by_u = ls::backward<x_tag>(e, ls::number<1.0>);
    auto const by_u_u = ls::backward<x_tag>(by_u, ls::number<1.0>);
    auto const by_u_v = ls::backward<w_tag>(by_u, ls::number<1.0>);
    for (point<double> const p : {point{0.3, -0.7}, point{-1.1, 0.4}, point{0.8, 1.3}}) {
        double const step = 1e-4;
        auto difference = [&](auto expression, double dx, double dw) {
            double const above = evaluate(expression, p.x + dx, p.w + dw);
            return (above - evaluate(expression, p.x - dx, p.w - dw)) / (2 * step);
        };
        CAPTURE(p.x);
        CHECK(evaluate(by_u, p.x, p.w) == doctest::Approx(difference(e, step, 0)).epsilon(1e-6));
        CHECK(evaluate(by_u_u, p.x, p.w) == doctest::Approx(difference(by_u, step, 0)).epsilon(1e-6));
        CHECK(evaluate(by_u_v, p.x, p.w) == doctest::Approx(difference(by_u, 0, step)).epsilon(1e-6));
    }
}

} // namespace

TEST_CASE("a gradient is an expression, whose gradient is derived too") {
    check_derivatives(ls::tanh{}(u * v) * u + v);
    check_derivatives(ls::sigmoid{}(u - v) * u * u);
    check_derivatives(ls::exp(-(u * u)) * v);
    check_derivatives(where(less(v, u), u * u * v, u * v * v));
    // u is used six times: every way to it counts.
    check_derivatives((u + u) * (u - v) * (u * u + ls::literal<2.0>{} * u * v));
}

TEST_CASE("the rules of all elementwise functions have right gradients themselves") {
    using ls::number;
    auto const positive = number<0.5> + u * u * v * v;
    check_derivatives(u * u / (v * v + number<0.5>));
    check_derivatives(v / (u * u + number<0.5>));
    check_derivatives(square(u * v - v));
    check_derivatives(sqrt(positive));
    check_derivatives(rsqrt(positive));
    check_derivatives(pow(positive, u * v));
    check_derivatives(pow(u * v, number<3.0>));
    check_derivatives(exp(u * v));
    check_derivatives(expm1(u * v));
    check_derivatives(log(positive));
    check_derivatives(log1p(positive));
    check_derivatives(ls::tanh{}(u * v));
    check_derivatives(ls::sigmoid{}(u * v));
    check_derivatives(ls::softplus{}(u * v));
    check_derivatives(erf(u * v));
    check_derivatives(sin(u * v));
    check_derivatives(cos(u * v));
    check_derivatives(abs(u * u * v));
    check_derivatives(minimum(u * u * v, u * v * v));
    check_derivatives(maximum(u * u * v, u * v * v));
    check_derivatives(clamp(u * u * v, -(u * u * v * v), u * u * u * v));
    check_derivatives(where(greater_equal(u, v), u * u * v, u * v * v));
    check_derivatives(ls::relu{}(u * u * v));
}
