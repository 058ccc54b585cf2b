// SPDX-License-Identifier: MIT
// A window moves: its stride is at least 1.
// error: a stride is at least 1
// errors: 1
#include <lockstep/layer/conv2d.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int step = 0;
#else
constexpr int step = 2;
#endif

using output = ls::output_shape<ls::conv2d<8, 5, ls::stride<step>>, ls::shape<1, 28, 28>>;
