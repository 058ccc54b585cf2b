// SPDX-License-Identifier: MIT
// That holds for layers that take any shape too.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: relu
// error: class_indices<11, 5>
// error: takes_numbers_not_class_indices
// errors: 1
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::class_indices<11, 5>, ls::relu>;
#else
using model = ls::sequential<ls::class_indices<11, 5>, ls::embedding<4>, ls::relu>;
#endif

using output = model::output_shape;
