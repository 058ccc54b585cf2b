// SPDX-License-Identifier: MIT
// Every elementwise function and activation as a layer: alone, and of operands that broadcast against each other.
#include "check.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/model/sequential.hpp>

namespace {

using namespace tests;
using ls::number;
using ls::sequential;
using ls::shape;

/// A function of one operand as a layer.
template <auto Function>
struct of_input {
    constexpr auto operator()(auto x) const { return Function(x); }
};

struct row {
    static constexpr char const* name = "row";
};
struct column {
    static constexpr char const* name = "column";
};
struct scalar {
    static constexpr char const* name = "scalar";
};

/// A function of two operands for an input [R, C] with a row [C], a column [R, 1] and a scalar, on either side,
/// and of two that both have to be broadcast.
template <auto Function>
struct of_broadcast {
    template <class In, class Initializer = ls::initializer::fan_in_uniform<1>>
    using parameters_for = ls::parameters<ls::parameter<row, shape<In::extents[1]>, Initializer>,
                                          ls::parameter<column, shape<In::extents[0], 1>, Initializer>,
                                          ls::parameter<scalar, shape<1>, Initializer>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        auto const r = context[row{}];
        auto const c = context[column{}];
        auto const s = context[scalar{}];
        return Function(x, r) + Function(c, x) * Function(s, x) + number<3.0> * Function(r, c) + Function(x, s);
    }
};

constexpr auto positive = [](auto x) { return x * x + number<0.5>; };

template <auto Function>
void check_function() {
    check_model<sequential<shape<7>, of_input<Function>>>();
    check_model<sequential<shape<1>, of_input<Function>>>();
}
template <auto Function>
void check_broadcast() {
    check_model<sequential<shape<3, 5>, of_broadcast<Function>>>();
    check_model<sequential<shape<1, 3>, of_broadcast<Function>>>();
}
template <class Layer>
void check_activation() {
    check_model<sequential<shape<7>, Layer>>();
    check_model<sequential<shape<2, 3, 5>, Layer>>();
}

struct function_case {
    char const* name;
    void (*run)();
};

constexpr function_case functions[] = {
    {"square", check_function<[](auto x) { return square(x); }>},
    {"sqrt", check_function<[](auto x) { return sqrt(positive(x)); }>},
    {"rsqrt", check_function<[](auto x) { return rsqrt(positive(x)); }>},
    {"exp", check_function<[](auto x) { return exp(x); }>},
    {"expm1", check_function<[](auto x) { return expm1(x); }>},
    {"log", check_function<[](auto x) { return log(positive(x)); }>},
    {"log1p", check_function<[](auto x) { return log1p(positive(x)); }>},
    {"erf", check_function<[](auto x) { return erf(x); }>},
    {"sin", check_function<[](auto x) { return sin(x); }>},
    {"cos", check_function<[](auto x) { return cos(x); }>},
    {"abs", check_function<[](auto x) { return abs(x); }>},
    {"negate", check_function<[](auto x) { return -x; }>},
    {"clamp", check_function<[](auto x) { return clamp(x, number<-0.5>, number<0.25>); }>},
    {"pow of a number", check_function<[](auto x) { return pow(x, number<3.0>); }>},
    {"a number to the power", check_function<[](auto x) { return pow(number<3.0>, x); }>},
    {"a gate that is a constant", check_function<[](auto x) { return x * greater(x, number<0.1>); }>},
};

constexpr function_case broadcast_functions[] = {
    {"add", check_broadcast<[](auto a, auto b) { return a + b; }>},
    {"subtract", check_broadcast<[](auto a, auto b) { return a - b; }>},
    {"multiply", check_broadcast<[](auto a, auto b) { return a * b; }>},
    {"divide", check_broadcast<[](auto a, auto b) { return a / positive(b); }>},
    {"pow", check_broadcast<[](auto a, auto b) { return pow(positive(a), b); }>},
    {"minimum", check_broadcast<[](auto a, auto b) { return minimum(a, b); }>},
    {"maximum", check_broadcast<[](auto a, auto b) { return maximum(a, b); }>},
    {"clamp from below", check_broadcast<[](auto a, auto b) { return clamp(a, b, number<0.5>); }>},
    {"clamp from above", check_broadcast<[](auto a, auto b) { return clamp(a, number<-0.5>, b); }>},
    {"where less", check_broadcast<[](auto a, auto b) { return where(less(a, b), a * a, b); }>},
    {"where greater_equal", check_broadcast<[](auto a, auto b) { return where(greater_equal(a, b), b, a * b); }>},
};

constexpr function_case activations[] = {
    {"relu", check_activation<ls::relu>},
    {"relu6", check_activation<ls::relu6>},
    {"leaky_relu", check_activation<ls::leaky_relu<>>},
    {"elu", check_activation<ls::elu<>>},
    {"elu of another alpha", check_activation<ls::elu<0.3>>},
    {"gelu", check_activation<ls::gelu>},
    {"gelu_tanh", check_activation<ls::gelu_tanh>},
    {"sigmoid", check_activation<ls::sigmoid>},
    {"tanh", check_activation<ls::tanh>},
    {"silu", check_activation<ls::silu>},
    {"softplus", check_activation<ls::softplus>},
    {"mish", check_activation<ls::mish>},
    {"hardsigmoid", check_activation<ls::hardsigmoid>},
    {"hardswish", check_activation<ls::hardswish>},
};

} // namespace

TEST_CASE("gradients of elementwise functions are those that differences show") {
    for (function_case const& each : functions)
        SUBCASE(each.name) { each.run(); }
}

TEST_CASE("gradients of operands that were broadcast are summed down to them") {
    for (function_case const& each : broadcast_functions)
        SUBCASE(each.name) { each.run(); }
}

TEST_CASE("gradients of activations are those that differences show") {
    for (function_case const& each : activations)
        SUBCASE(each.name) { each.run(); }
}
