// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/group_norm.hpp>
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/layer/multihead_attention.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

using lenet = sequential<shape<1, 16, 16>, ls::conv2d<4, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>,
                         ls::conv2d<6, 5>, ls::relu, ls::max_pool2d<2>, ls::flatten, ls::linear<10>, ls::relu,
                         ls::linear<5>>;
using residual_mlp = sequential<shape<6>, ls::residual<ls::linear<12>, ls::gelu, ls::linear<6>>>;

constexpr reference_case cases[] = {
    {"linear", layer<sequential<shape<7>, ls::linear<5>>>},
    {"linear_no_bias", layer<sequential<shape<6>, ls::linear<3, ls::no_bias>>>},
    {"residual_mlp", layer<residual_mlp, of_a_branch>},
    {"lenet", layer<lenet, of_a_model>},
    {"batch_norm1d", layer<sequential<shape<6>, ls::batch_norm<>>>},
    {"batch_norm2d", layer<sequential<shape<3, 5, 4>, ls::batch_norm<>>>},
    {"batch_norm2d_eval", layer<sequential<shape<3, 4, 4>, ls::batch_norm<ls::use_running_statistics>>>},
    {"layer_norm", layer<sequential<shape<5, 10>, ls::layer_norm<>>>},
    {"group_norm", layer<sequential<shape<6, 4, 4>, ls::group_norm<2>>>},
    {"embedding", layer<sequential<ls::class_indices<11, 7>, ls::embedding<6>>>},
    {"attention", layer<sequential<shape<5, 8>, ls::multihead_attention<2>>, of_attention>},
    {"attention_causal", layer<sequential<shape<5, 8>, ls::multihead_attention<2, ls::causal>>, of_attention>},
};

added_cases const added(cases);

} // namespace
