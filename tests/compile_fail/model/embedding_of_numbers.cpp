// SPDX-License-Identifier: MIT
// An embedding looks up class indices: it has no row for a number.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: embedding<4>
// error: shape<5>
// error: takes_class_indices
// errors: 1
#include <lockstep/layer/embedding.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<5>, ls::embedding<4>>;
#else
using model = ls::sequential<ls::class_indices<11, 5>, ls::embedding<4>>;
#endif

using output = model::output_shape;
