// SPDX-License-Identifier: MIT
// linear takes features: an image needs a flatten before it.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: linear<10>
// error: shape<8, 24, 24>
// error: takes_features_or_positions_by_features
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<8, 5>, ls::linear<10>>;
#else
using model = ls::sequential<ls::shape<1, 28, 28>, ls::conv2d<8, 5>, ls::flatten, ls::linear<10>>;
#endif

using output = model::output_shape;
