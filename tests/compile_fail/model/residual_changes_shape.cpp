// SPDX-License-Identifier: MIT
// A residual block adds its input to its output, so both have one shape.
// error: layer_at<.*>::fed_with<.*>::breaks<
// error: residual<lockstep::linear<32>, lockstep::relu>
// error: output_shape_equals_input_shape<lockstep::shape<32>, lockstep::shape<64>
// errors: 1
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/sequential.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int width = 32;
#else
constexpr int width = 64;
#endif

using output =
    ls::sequential<ls::shape<784>, ls::linear<64>, ls::residual<ls::linear<width>, ls::relu>>::output_shape;
