// SPDX-License-Identifier: MIT
// A window is no larger than the image with its padding: 5 pixels into 2 + 2 * 1 do not go.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv2d<8, 5, lockstep::padding<1, 1>
// error: shape<3, 2, 2>
// error: window_fits_into_padded_image
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using sample = ls::shape<3, 4, 4>;
#else
using sample = ls::shape<3, 6, 6>;
#endif

using output = ls::sequential<sample, ls::max_pool2d<2>, ls::conv2d<8, 5, ls::padding<1>>>::output_shape;
