// SPDX-License-Identifier: MIT
// Layers that normalize, look at whole rows or look rows up: with extents of 1, primes, and orders in memory that
// differ from PyTorch's.
#include "check.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/group_norm.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/layer/reshaped.hpp>
#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>

namespace {

using namespace tests;
using ls::class_indices;
using ls::sequential;
using ls::shape;

template <class Model>
constexpr auto check = check_model<Model>;
/// A batch norm needs more than one value a channel: 4 samples, then 3. A bias in front of it would have no influence,
/// and so a gradient of nothing but rounding.
template <class Model>
constexpr auto check_four = check_model<Model, inner_product, 4>;

struct model_case {
    char const* name;
    void (*run)();
};

constexpr model_case cases[] = {
    {"batch_norm of features", check_four<sequential<shape<5>, ls::batch_norm<>>>},
    {"batch_norm of one feature", check_four<sequential<shape<1>, ls::batch_norm<>>>},
    {"batch_norm of features wider than a vector",
     check_four<sequential<shape<3>, ls::linear<19, ls::no_bias>, ls::batch_norm<>, ls::tanh>>},
    {"batch_norm of lengths", check<sequential<shape<3, 7>, ls::batch_norm<>>>},
    {"batch_norm of lengths of one channel", check<sequential<shape<1, 7>, ls::batch_norm<>>>},
    {"batch_norm of lengths of 1", check_four<sequential<shape<3, 1>, ls::batch_norm<>>>},
    {"batch_norm of an image", check<sequential<shape<3, 2, 5>, ls::batch_norm<>>>},
    {"batch_norm of an image of one channel", check<sequential<shape<1, 2, 5>, ls::batch_norm<>>>},
    {"batch_norm of single pixels", check_four<sequential<shape<3, 1, 1>, ls::batch_norm<>>>},
    {"batch_norm without affine", check<sequential<shape<3, 2, 5>, ls::batch_norm<ls::no_affine>>>},
    {"batch_norm of features without affine", check_four<sequential<shape<5>, ls::batch_norm<ls::no_affine>>>},
    {"batch_norm of lengths without affine", check<sequential<shape<3, 7>, ls::batch_norm<ls::no_affine>>>},
    {"batch_norm with another epsilon", check_four<sequential<shape<5>, ls::batch_norm<ls::epsilon<0.1>>>>},
    {"batch_norm behind and before convolutions",
     check<sequential<shape<2, 4, 3>, ls::conv2d<3, 2, ls::no_bias>, ls::batch_norm<>, ls::tanh,
                      ls::conv2d<2, 2>>>},
    {"batch_norm behind a convolution of lengths",
     check<sequential<shape<2, 7>, ls::conv1d<3, 3, ls::no_bias>, ls::batch_norm<>, ls::tanh>>},
    {"batch_norm twice",
     check_four<sequential<shape<5>, ls::batch_norm<>, ls::tanh, ls::batch_norm<>, ls::linear<3>>>},
    {"batch_norm in a residual block",
     check<sequential<shape<2, 3, 4>,
                      ls::residual<ls::conv2d<2, 3, ls::padding<1>, ls::no_bias>, ls::batch_norm<>, ls::tanh>,
                      ls::flatten, ls::linear<3>>>},
    {"batch_norm, then flatten",
     check<sequential<shape<2, 3, 2>, ls::batch_norm<>, ls::flatten, ls::linear<3>>>},
    {"layer_norm of features", check<sequential<shape<7>, ls::layer_norm<>>>},
    {"layer_norm of one feature", check<sequential<shape<1>, ls::layer_norm<>, ls::linear<2>>>},
    {"layer_norm wider than a vector", check<sequential<shape<37>, ls::layer_norm<>>>},
    {"layer_norm of positions", check<sequential<shape<5, 7>, ls::layer_norm<>>>},
    {"layer_norm of two axes", check<sequential<shape<5, 7>, ls::layer_norm<2>>>},
    {"layer_norm of an image's rows", check<sequential<shape<3, 2, 5>, ls::layer_norm<>>>},
    {"layer_norm of an image's channels", check<sequential<shape<3, 2, 5>, ls::layer_norm<2>>>},
    {"layer_norm of an image", check<sequential<shape<3, 2, 5>, ls::layer_norm<3>>>},
    {"layer_norm of images of extents 1", check<sequential<shape<1, 5, 1>, ls::layer_norm<2>>>},
    {"layer_norm without affine",
     check<sequential<shape<5, 7>, ls::linear<3>, ls::layer_norm<1, ls::no_affine>, ls::tanh>>},
    {"layer_norm with another epsilon", check<sequential<shape<7>, ls::layer_norm<1, ls::epsilon<0.1>>>>},
    {"rms_norm of features", check<sequential<shape<7>, ls::rms_norm<>>>},
    {"rms_norm of positions", check<sequential<shape<5, 3>, ls::linear<7>, ls::rms_norm<>, ls::linear<2>>>},
    {"rms_norm of an image's rows", check<sequential<shape<3, 2, 5>, ls::rms_norm<>>>},
    {"rms_norm of an image", check<sequential<shape<3, 2, 5>, ls::rms_norm<3, ls::no_affine>>>},
    {"group_norm of features", check<sequential<shape<6>, ls::group_norm<2>>>},
    {"group_norm of lengths", check<sequential<shape<6, 5>, ls::group_norm<3>>>},
    {"group_norm of an image", check<sequential<shape<4, 3, 5>, ls::group_norm<2>>>},
    {"group_norm of one group", check<sequential<shape<3, 2, 5>, ls::group_norm<1>>>},
    {"group_norm of every channel", check<sequential<shape<3, 2, 5>, ls::group_norm<3, ls::no_affine>>>},
    {"group_norm between convolutions", check<sequential<shape<2, 4, 3>, ls::conv2d<6, 2, ls::no_bias>,
                                                         ls::group_norm<3>, ls::tanh, ls::conv2d<2, 2>>>},
    {"attention", check<sequential<shape<5, 6>, ls::multihead_attention<2>>>},
    {"causal attention", check<sequential<shape<5, 6>, ls::multihead_attention<3, ls::causal>>>},
    {"attention of one head and one position", check<sequential<shape<1, 3>, ls::multihead_attention<1>>>},
    {"attention of one feature a head", check<sequential<shape<3, 5>, ls::multihead_attention<5>>>},
    {"a transformer's block",
     check<sequential<shape<3, 4>, ls::residual<ls::layer_norm<>, ls::multihead_attention<2, ls::causal>>,
                      ls::residual<ls::layer_norm<>, ls::linear<5>, ls::gelu, ls::linear<4>>>>},
    {"embedding", check<sequential<class_indices<7, 5>, ls::embedding<3>>>},
    {"embedding of one index", check<sequential<class_indices<3>, ls::embedding<5>, ls::linear<2>>>},
    {"embedding of one class and one feature", check<sequential<class_indices<1, 2>, ls::embedding<1>>>},
    {"embedding, flatten and linear",
     check<sequential<class_indices<7, 3>, ls::embedding<5>, ls::tanh, ls::flatten, ls::linear<2>>>},
    {"embedding before attention",
     check_model<sequential<class_indices<5, 3>, ls::embedding<4>, ls::multihead_attention<2, ls::causal>,
                            ls::linear<5>>,
                 ls::cross_entropy>},
    {"embedding before a normalization",
     check<sequential<class_indices<5, 3>, ls::embedding<4>, ls::layer_norm<>, ls::linear<2>>>},
    {"softmax of features", check<sequential<shape<5>, ls::softmax>>},
    {"softmax of positions", check<sequential<shape<3, 5>, ls::linear<17>, ls::softmax, ls::linear<2>>>},
    {"softmax of channels", check<sequential<shape<3, 2, 5>, ls::softmax>>},
    {"softmax of one channel", check<sequential<shape<1, 2, 3>, ls::conv2d<1, 1>, ls::softmax>>},
    {"log_softmax of features", check<sequential<shape<5>, ls::log_softmax>>},
    {"log_softmax of channels", check<sequential<shape<3, 2, 5>, ls::log_softmax, ls::conv2d<2, 2>>>},
    {"reshaped to an image",
     check<sequential<shape<5>, ls::linear<12>, ls::reshaped<3, 2, 2>, ls::conv2d<2, 2>>>},
    {"reshaped from an image",
     check<sequential<shape<3, 2, 5>, ls::conv2d<3, 1>, ls::reshaped<6, 5>, ls::linear<2>>>},
    {"reshaped from an image to an image",
     check<sequential<shape<3, 2, 5>, ls::reshaped<5, 3, 2>, ls::conv2d<2, 2>>>},
    {"reshaped to four axes", check<sequential<shape<3, 2, 5>, ls::reshaped<3, 1, 2, 5>>>},
    {"reshaped to the same shape", check<sequential<shape<3, 5>, ls::linear<2>, ls::reshaped<3, 2>, ls::tanh>>},
};

} // namespace

TEST_CASE("derived gradients of normalizing layers, attention and embeddings are those that differences show") {
    for (model_case const& each : cases)
        SUBCASE(each.name) { each.run(); }
}
