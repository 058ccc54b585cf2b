// SPDX-License-Identifier: MIT
// A layer norm normalizes axes that its input has.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: layer_norm<2
// error: shape<7>
// error: has_the_axes_that_are_normalized<2>
// errors: 1
#include <lockstep/layer/layer_norm.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<7>, ls::layer_norm<2>>;
#else
using model = ls::sequential<ls::shape<5, 7>, ls::layer_norm<2>>;
#endif

using output = model::output_shape;
