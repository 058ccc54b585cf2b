// SPDX-License-Identifier: MIT
// A sum is over axes that its operand has, counted from 0, or from the last one, which is -1.
// error: axis_does_not_exist<3, (lockstep::)?shape<3, 4, 5> ?>
// errors: 1
#include <lockstep/expression/reduce.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int over = 3;
#else
constexpr int over = -3;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<3, 4, 5>, true> x;
inline auto const total = ls::sum<over>(x);
