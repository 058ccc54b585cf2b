// SPDX-License-Identifier: MIT
// The same for any number of values: the first one that does not fit is named.
// error: shapes_differ_beside_the_concatenated_axis<-1, (lockstep::)?shape<4, 6> ?, (lockstep::)?shape<3, 6> ?>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int rows = 3;
#else
constexpr int rows = 4;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
constexpr ls::leaf<struct y_tag, ls::shape<rows, 6>, true> y;
inline auto const joined = ls::concat<-1>(x, x, y);
