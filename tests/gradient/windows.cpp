// SPDX-License-Identifier: MIT
// Layers that move a window: extents of 1 and primes, options alone and together, and gradients of gradients.
#include "check.hpp"

#include <lockstep/expression/convolution.hpp>
#include <lockstep/expression/pooling.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/adaptive_avg_pool2d.hpp>
#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/layer/pool1d.hpp>

namespace {

using namespace tests;
using ls::dilation;
using ls::groups;
using ls::padding;
using ls::sequential;
using ls::shape;
using ls::stride;
using ls::window_width;

struct kernel {
    static constexpr char const* name = "kernel";
};

template <class Primitive, ls::expression... Operands>
constexpr auto computed(Operands...) {
    return ls::compute<Primitive, Operands...>{};
}

/// Convolves its input with weights that are themselves a weight gradient, summed over the batch: its derivatives
/// lead through the rules of all three primitives.
struct self_convolution {
    using window = ls::window<2, 3, 2, 1, 1, 1, 1, 2>;
    template <class In, class Initializer = ls::initializer::fan_in_uniform<1>>
    using parameters_for =
        ls::parameters<ls::parameter<kernel, shape<window::kernel_height, window::kernel_width, In::extents[0] / 2, 4>,
                                     Initializer>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const {
        using in = typename decltype(x)::result_shape;
        using geometry =
            ls::convolution_geometry<in::extents[0], in::extents[1], in::extents[2], 4, window, 2>;
        auto const y = ls::tanh{}(ls::convolve<window, 2>(x, context[kernel{}]));
        auto const w = computed<ls::primitive::convolution_weight_gradient<geometry>>(x, y);
        return ls::convolve<window, 2>(x, ls::tanh{}(w));
    }
};

/// Averages and spreads them again.
struct average_there_and_back {
    using average = ls::moving_average<ls::window<3, 2, 2, 1, 1, 1>, false>;
    constexpr auto operator()(auto x) const {
        using geometry = typename ls::primitive::avg_pool<average>::template geometry<decltype(x)>;
        return computed<ls::primitive::avg_pool_gradient<geometry>>(ls::tanh{}(ls::avg_pool<average>(x)));
    }
};

struct model_case {
    char const* name;
    void (*run)();
};

constexpr model_case cases[] = {
    {"dilation", check_model<sequential<shape<2, 7, 5>, ls::conv2d<3, 2, dilation<3, 2>>>>},
    {"dilation, stride and padding",
     check_model<sequential<shape<3, 7, 8>,
                            ls::conv2d<2, 3, window_width<2>, dilation<2>, stride<2, 3>, padding<2, 1>>>>},
    {"groups", check_model<sequential<shape<4, 3, 5>, ls::conv2d<6, 2, groups<2>, padding<1>>, ls::tanh,
                                      ls::conv2d<3, 1, groups<3>, ls::no_bias>>>},
    {"groups with everything else",
     check_model<sequential<shape<6, 7, 5>, ls::conv2d<9, 3, groups<3>, dilation<1, 2>, stride<3, 2>, padding<1, 2>>>>},
    {"one channel a group", check_model<sequential<shape<5, 4, 3>, ls::conv2d<5, 3, groups<5>, padding<1>, stride<2>>,
                                                   ls::tanh, ls::conv2d<2, 1>>>},
    {"two kernels a channel", check_model<sequential<shape<3, 3, 4>, ls::conv2d<6, 2, groups<3>>>>},
    {"convolution over a length",
     check_model<sequential<shape<3, 11>, ls::conv1d<4, 3, stride<2>, padding<1>>, ls::tanh,
                            ls::conv1d<2, 2, dilation<2>>, ls::conv1d<4, 1, groups<2>, ls::no_bias>>>},
    {"convolution over a length of 1", check_model<sequential<shape<1, 1>, ls::conv1d<1, 1>>>},
    {"convolution over a length, then linear",
     check_model<sequential<shape<2, 7>, ls::conv1d<3, 3>, ls::tanh, ls::flatten, ls::linear<4>>>},
    {"transposed", check_model<sequential<shape<3, 3, 2>, ls::conv_transpose2d<2, 3>>>},
    {"transposed with stride and padding",
     check_model<sequential<shape<2, 3, 4>, ls::conv_transpose2d<3, 4, stride<2>, padding<1>>, ls::tanh,
                            ls::conv_transpose2d<1, 1, ls::no_bias>>>},
    {"transposed with everything else",
     check_model<sequential<shape<4, 3, 2>,
                            ls::conv_transpose2d<6, 3, window_width<2>, stride<3, 2>, ls::output_padding<2, 1>,
                                                 groups<2>, dilation<2, 1>, padding<2, 1>>>>},
    {"transposed from one pixel", check_model<sequential<shape<5, 1, 1>, ls::conv_transpose2d<2, 3, stride<2>>>>},
    {"convolution, then transposed",
     check_model<sequential<shape<2, 5, 5>, ls::conv2d<3, 3, stride<2>>, ls::tanh,
                            ls::conv_transpose2d<2, 3, stride<2>>>>},
    {"dilated maximum",
     check_model<sequential<shape<2, 7, 6>, ls::max_pool2d<2, stride<1, 2>, dilation<3, 2>, padding<1>>>>},
    {"averages", check_model<sequential<shape<3, 6, 5>, ls::conv2d<2, 2>, ls::avg_pool2d<2>, ls::tanh>>},
    {"averages that overlap and count the padding",
     check_model<sequential<shape<2, 5, 7>, ls::avg_pool2d<3, window_width<2>, stride<2, 1>, padding<1>>>>},
    {"averages without the padding",
     check_model<sequential<shape<2, 5, 4>, ls::avg_pool2d<3, stride<2>, padding<1>, ls::exclude_padding>>>},
    {"averages over parts", check_model<sequential<shape<2, 7, 5>, ls::adaptive_avg_pool2d<3, 2>, ls::tanh,
                                                   ls::adaptive_avg_pool2d<1>, ls::flatten, ls::linear<2>>>},
    {"more parts than pixels", check_model<sequential<shape<1, 2, 1>, ls::adaptive_avg_pool2d<3>>>},
    {"pooling over a length", check_model<sequential<shape<3, 13>, ls::max_pool1d<3, stride<2>, padding<1>>, ls::tanh,
                                                     ls::avg_pool1d<2, stride<1>>, ls::adaptive_avg_pool1d<4>>>},
    {"gradient of a convolution's gradients", check_model<sequential<shape<2, 3, 5>, self_convolution>>},
    {"gradient of an average's gradient", check_model<sequential<shape<2, 5, 4>, average_there_and_back>>},
};

} // namespace

TEST_CASE("gradients of layers that move a window are those that differences show") {
    for (model_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}
