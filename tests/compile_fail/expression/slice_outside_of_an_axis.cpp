// SPDX-License-Identifier: MIT
// A slice lies within its axis: there is no row 4 of 4.
// error: slice_lies_outside_of_its_axis<0, 2, 5, (lockstep::)?shape<4, 6> ?>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int end = 5;
#else
constexpr int end = 4;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
inline auto const part = ls::slice<0, 2, end>(x);
