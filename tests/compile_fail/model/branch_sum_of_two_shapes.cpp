// SPDX-License-Identifier: MIT
// Branches that are added give one shape.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: branch_sum<lockstep::linear<8>, lockstep::linear<9>
// error: shape<5>
// error: branches_have_one_output_shape<(lockstep::)?shape<8> ?, (lockstep::)?shape<9> ?>
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<5>, ls::branch_sum<ls::linear<8>, ls::linear<9>>>;
#else
using model = ls::sequential<ls::shape<5>, ls::branch_sum<ls::linear<8>, ls::linear<8>>>;
#endif

using output = model::output_shape;
