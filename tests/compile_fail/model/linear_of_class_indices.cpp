// SPDX-License-Identifier: MIT
// Class indices are no numbers: an embedding stands between them and any other layer.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: linear<3>
// error: class_indices<11, 5>
// error: takes_numbers_not_class_indices
// errors: 1
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::class_indices<11, 5>, ls::linear<3>>;
#else
using model = ls::sequential<ls::class_indices<11, 5>, ls::embedding<4>, ls::linear<3>>;
#endif

using output = model::output_shape;
