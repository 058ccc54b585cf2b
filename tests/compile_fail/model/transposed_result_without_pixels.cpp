// SPDX-License-Identifier: MIT
// Padding is cut off from a transposed convolution's result: of 2 pixels nothing is left without 1 on each side.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv_transpose2d<4, 2, lockstep::padding<1, 1>
// error: shape<3, 1, 1>
// error: padding_leaves_a_pixel
// errors: 1
#include <lockstep/layer/conv_transpose2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<3, 1, 1>, ls::conv_transpose2d<4, 2, ls::padding<1>>>;
#else
using model = ls::sequential<ls::shape<3, 2, 2>, ls::conv_transpose2d<4, 2, ls::padding<1>>>;
#endif

using output = model::output_shape;
