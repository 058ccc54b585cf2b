// SPDX-License-Identifier: MIT
// conv2d takes an image, [channels, height, width].
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv2d<8, 5>
// error: shape<784>
// error: takes_channels_height_width
// errors: 1
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<784>, ls::relu, ls::conv2d<8, 5>>;
#else
using model = ls::sequential<ls::shape<1, 28, 28>, ls::relu, ls::conv2d<8, 5>>;
#endif

using output = model::output_shape;
