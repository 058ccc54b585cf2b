// SPDX-License-Identifier: MIT
// A dilated window spans more than it holds: 3 pixels, 3 apart, do not fit into 6 rows.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv2d<8, 3, lockstep::dilation<3, 3>
// error: shape<2, 6, 9>
// error: window_fits_into_padded_image
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<2, 6, 9>, ls::conv2d<8, 3, ls::dilation<3>>>;
#else
using model = ls::sequential<ls::shape<2, 7, 9>, ls::conv2d<8, 3, ls::dilation<3>>>;
#endif

using output = model::output_shape;
