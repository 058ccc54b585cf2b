// SPDX-License-Identifier: MIT
// Attention's heads share its features evenly: 8 features make no 3 heads.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: multihead_attention<3
// error: shape<5, 8>
// error: heads_divide_features
// errors: 1
#include <lockstep/layer/fan_initializer.hpp>
#include <lockstep/layer/multihead_attention.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using model = ls::sequential<ls::shape<5, 8>, ls::multihead_attention<3>>;
#else
using model = ls::sequential<ls::shape<5, 9>, ls::multihead_attention<3>>;
#endif

using output = model::output_shape;
