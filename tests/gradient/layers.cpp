// SPDX-License-Identifier: MIT
// Every layer alone and composed: extents of 1, primes, and orders in memory that differ from PyTorch's.
#include "check.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

/// x sigmoid(x): an elementwise layer whose gradient reads its input.
struct swish {
    constexpr auto operator()(auto x) const { return x * ls::sigmoid{}(x); }
};

struct gate {
    static constexpr char const* name = "gate";
};

/// Two products of one input, with parameters under tags of its own.
template <int Units>
struct gated_linear {
    template <class In, class Initializer = ls::initializer::fan_in_uniform<In::extents[0]>,
              class Matrix = shape<In::extents[0], Units>>
    using parameters_for =
        ls::parameters<ls::parameter<ls::weight, Matrix, Initializer, ls::saved_axes<1, 0>>,
                       ls::parameter<gate, Matrix, Initializer, ls::saved_axes<1, 0>>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        return matmul(x, context[ls::weight{}]) * ls::sigmoid{}(matmul(x, context[gate{}]));
    }
};

/// A factor for each channel and one for all, which broadcast in different ways.
struct scale {
    template <class In, class Initializer = ls::initializer::fan_in_uniform<1>>
    using parameters_for = ls::parameters<ls::parameter<ls::weight, shape<In::extents[0]>, Initializer>,
                                          ls::parameter<gate, shape<1>, Initializer>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        using channels = shape<decltype(x)::result_shape::extents[0], 1, 1>;
        return x * ls::view_as<channels>(context[ls::weight{}]) + x * x * context[gate{}];
    }
};

/// The layer before a residual block's end reads what the block starts with.
template <int Width>
using block = ls::residual<ls::linear<Width>, ls::tanh, ls::linear<Width>>;

/// Two parameters whose gradients are the same expression.
struct shifted_twice {
    template <class In, class Initializer = ls::initializer::fan_in_uniform<1>, class Shape = shape<In::extents[0]>>
    using parameters_for =
        ls::parameters<ls::parameter<ls::bias, Shape, Initializer>, ls::parameter<gate, Shape, Initializer>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const { return x + context[ls::bias{}] + context[gate{}]; }
};

struct model_case {
    char const* name;
    void (*run)();
};

constexpr model_case cases[] = {
    {"linear", check_model<sequential<shape<7>, ls::linear<5>>>},
    {"linear of one feature and one unit", check_model<sequential<shape<1>, ls::linear<1>>>},
    {"linear of positions", check_model<sequential<shape<3, 5>, ls::linear<2>, ls::tanh, ls::linear<1>>>},
    {"linear wider than a vector", check_model<sequential<shape<17>, ls::linear<19>, ls::sigmoid, ls::linear<3>>>},
    {"linear chain without bias",
     check_model<sequential<shape<3>, ls::linear<4, ls::no_bias>, ls::linear<2, ls::no_bias>>>},
    {"relu", check_model<sequential<shape<5>, ls::linear<11>, ls::relu, ls::linear<2>>>},
    {"activations in a row", check_model<sequential<shape<5>, ls::tanh, ls::sigmoid, ls::relu, ls::tanh>>},
    {"activations of an image", check_model<sequential<shape<2, 3, 5>, ls::tanh, ls::relu>>},
    {"dropout", check_model<sequential<shape<7>, ls::dropout<0.3>, ls::linear<6>, ls::tanh, ls::dropout<0.5>,
                                       ls::linear<3>, ls::dropout<0.1>>>},
    {"dropout of an image", check_model<sequential<shape<3, 4, 5>, ls::dropout<0.4>, ls::conv2d<2, 3>, ls::dropout<0.2>>>},
    {"convolution", check_model<sequential<shape<3, 5, 7>, ls::conv2d<2, 3>>>},
    {"convolution with stride and padding",
     check_model<sequential<shape<2, 7, 5>, ls::conv2d<3, 3, ls::stride<2>, ls::padding<1>>, ls::tanh,
                            ls::conv2d<1, 2>>>},
    {"convolution of one channel", check_model<sequential<shape<1, 5, 5>, ls::conv2d<1, 3>, ls::conv2d<2, 2>>>},
    {"convolution of single pixels",
     check_model<sequential<shape<5, 3, 2>, ls::conv2d<7, 1>, ls::relu, ls::conv2d<1, 1, ls::no_bias>>>},
    {"convolution of one pixel", check_model<sequential<shape<3, 1, 1>, ls::conv2d<2, 3, ls::padding<1>>>>},
    {"convolution with a rectangular window",
     check_model<sequential<shape<2, 6, 5>, ls::conv2d<3, 3, ls::window_width<2>, ls::stride<2, 1>, ls::padding<1, 0>>>>},
    {"pooling", check_model<sequential<shape<3, 6, 5>, ls::conv2d<4, 2>, ls::max_pool2d<2>, ls::tanh>>},
    {"overlapping pooling", check_model<sequential<shape<2, 7, 5>, ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>>>},
    {"flatten, then linear",
     check_model<sequential<shape<2, 5, 3>, ls::conv2d<3, 2>, ls::tanh, ls::flatten, ls::linear<4>>>},
    {"flatten, then relu and linear",
     check_model<sequential<shape<2, 4, 3>, ls::conv2d<3, 2>, ls::flatten, ls::tanh, ls::dropout<0.3>, ls::linear<4>,
                            ls::relu, ls::linear<2>>>},
    {"flatten, then a residual block",
     check_model<sequential<shape<2, 3, 3>, ls::conv2d<3, 2>, ls::flatten, block<12>, ls::linear<2>>>},
    {"flatten at the end", check_model<sequential<shape<2, 4, 3>, ls::conv2d<3, 2>, ls::tanh, ls::flatten>>},
    {"flatten at the start", check_model<sequential<shape<2, 3, 2>, ls::flatten, ls::linear<5>, ls::tanh>>},
    {"an image as the result", check_model<sequential<shape<2, 4, 3>, ls::conv2d<3, 2>, ls::tanh>>},
    {"residual", check_model<sequential<shape<5>, block<5>, ls::relu, ls::linear<3>>>},
    {"residual first and last", check_model<sequential<shape<5>, block<5>, block<5>>>},
    {"residual in residual",
     check_model<sequential<shape<5>, ls::residual<ls::linear<5>, block<5>, ls::tanh>, ls::tanh, ls::linear<3>>>},
    {"residual starting with residual", check_model<sequential<shape<3>, ls::residual<block<3>, ls::linear<3>>>>},
    {"residual of elementwise layers", check_model<sequential<shape<3>, ls::residual<ls::tanh>, ls::linear<2>>>},
    {"residual without layers", check_model<sequential<shape<3>, ls::linear<3>, ls::residual<>, ls::linear<2>>>},
    {"residual of convolutions",
     check_model<sequential<shape<2, 4, 3>, ls::residual<ls::conv2d<2, 3, ls::padding<1>>, ls::tanh>, ls::flatten,
                            ls::linear<3>>>},
    {"cross entropy", check_model<sequential<shape<5>, ls::linear<7>, ls::tanh, ls::linear<4>>, ls::cross_entropy>},
    {"cross entropy of one class", check_model<sequential<shape<3>, ls::linear<1>>, ls::cross_entropy>},
    {"cross entropy of 17 classes", check_model<sequential<shape<3>, ls::linear<17>, ls::relu>, ls::cross_entropy>},
    {"a user's elementwise layer", check_model<sequential<shape<5>, swish, ls::linear<7>, swish, ls::linear<2>, swish>>},
    {"a user's layer of two products",
     check_model<sequential<shape<5>, gated_linear<7>, ls::tanh, gated_linear<3>>, ls::cross_entropy>},
    {"a user's layer behind a flatten",
     check_model<sequential<shape<2, 3, 2>, ls::conv2d<3, 2>, ls::flatten, gated_linear<3>>>},
    {"a user's layer with two equal gradients", check_model<sequential<shape<5>, shifted_twice, ls::linear<2>>>},
    {"a user's layer that broadcasts", check_model<sequential<shape<3, 2, 5>, scale, ls::conv2d<2, 2>, scale>>},
};

} // namespace

TEST_CASE("derived gradients are those that differences show") {
    for (model_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}
