// SPDX-License-Identifier: MIT
// conv1d takes [channels, length]; an image has one axis more.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv1d<8, 3>
// error: shape<3, 8, 8>
// error: takes_channels_length
// errors: 1
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv1d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<3, 8, 8>, ls::relu, ls::conv1d<8, 3>>;
#else
using model = ls::sequential<ls::shape<3, 64>, ls::relu, ls::conv1d<8, 3>>;
#endif

using output = model::output_shape;
