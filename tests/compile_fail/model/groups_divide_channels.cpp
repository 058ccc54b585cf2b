// SPDX-License-Identifier: MIT
// Groups divide a convolution's channels on both sides: 6 channels make no 4 groups.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: conv2d<8, 3, lockstep::groups<4>
// error: shape<6, 5, 5>
// error: groups_divide_channels
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using sample = ls::shape<6, 10, 10>;
#else
using sample = ls::shape<12, 10, 10>;
#endif

using output = ls::sequential<sample, ls::max_pool2d<2>, ls::conv2d<8, 3, ls::groups<4>>>::output_shape;
