// SPDX-License-Identifier: MIT
// Values that are put one behind another differ along that axis alone.
// error: shapes_differ_beside_the_concatenated_axis<0, (lockstep::)?shape<4, 6> ?, (lockstep::)?shape<3, 5> ?>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int columns = 5;
#else
constexpr int columns = 6;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
constexpr ls::leaf<struct y_tag, ls::shape<3, columns>, true> y;
inline auto const joined = ls::concat<0>(x, y);
