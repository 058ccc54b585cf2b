// SPDX-License-Identifier: MIT
// Branches whose channels lie one behind another have the same pixels.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: branch<lockstep::conv2d<4, 3>, lockstep::conv2d<2, 1>
// error: shape<3, 8, 8>
// error: branches_differ_in_channels_or_features_alone<(lockstep::)?shape<4, 6, 6> ?, (lockstep::)?shape<2, 8, 8> ?>
// errors: 1
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<3, 8, 8>, ls::branch<ls::conv2d<4, 3>, ls::conv2d<2, 1>>>;
#else
using model = ls::sequential<ls::shape<3, 8, 8>, ls::branch<ls::conv2d<4, 1>, ls::conv2d<2, 1>>>;
#endif

using output = model::output_shape;
