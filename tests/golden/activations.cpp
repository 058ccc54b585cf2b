// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/softmax.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

using vector9 = shape<9>;

constexpr reference_case cases[] = {
    {"activation_relu", layer<sequential<vector9, ls::relu>>},
    {"activation_leaky_relu", layer<sequential<vector9, ls::leaky_relu<0.1>>>},
    {"activation_elu", layer<sequential<vector9, ls::elu<>>>},
    {"activation_gelu", layer<sequential<vector9, ls::gelu>>},
    {"activation_gelu_tanh", layer<sequential<vector9, ls::gelu_tanh>>},
    {"activation_silu", layer<sequential<vector9, ls::silu>>},
    {"activation_softmax", layer<sequential<vector9, ls::softmax>>},
    {"activation_log_softmax", layer<sequential<vector9, ls::log_softmax>>},
    {"activation_tanh", layer<sequential<vector9, ls::tanh>>},
    {"activation_sigmoid", layer<sequential<vector9, ls::sigmoid>>},
    {"activation_softplus", layer<sequential<vector9, ls::softplus>>},
    {"activation_hardswish", layer<sequential<vector9, ls::hardswish>>},
    {"activation_mish", layer<sequential<vector9, ls::mish>>},
};

added_cases const added(cases);

} // namespace
