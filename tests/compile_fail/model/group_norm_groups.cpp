// SPDX-License-Identifier: MIT
// A group norm's groups are whole channels: 6 of them make no 4 groups.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: group_norm<4
// error: shape<6, 5, 5>
// error: groups_divide_channels
// errors: 1
#include <lockstep/layer/group_norm.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<6, 5, 5>, ls::group_norm<4>>;
#else
using model = ls::sequential<ls::shape<8, 5, 5>, ls::group_norm<4>>;
#endif

using output = model::output_shape;
