// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/activation.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

using vector9 = shape<9>;

constexpr reference_case cases[] = {
    {"activation_relu", layer<sequential<vector9, ls::relu>>},
    {"activation_tanh", layer<sequential<vector9, ls::tanh>>},
    {"activation_sigmoid", layer<sequential<vector9, ls::sigmoid>>},
};

} // namespace

tests::case_table tests::activation_cases() { return cases; }
