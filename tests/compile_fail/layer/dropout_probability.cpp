// SPDX-License-Identifier: MIT
// A dropout probability lies in [0, 1).
// error: a dropout probability lies in
// errors: 1
#include <lockstep/layer/dropout.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr double probability = 1.5;
#else
constexpr double probability = 0.5;
#endif

using output = ls::output_shape<ls::dropout<probability>, ls::shape<128>>;
