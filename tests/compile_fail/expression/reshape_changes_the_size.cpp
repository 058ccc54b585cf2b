// SPDX-License-Identifier: MIT
// A reshape keeps every element.
// error: reshape_keeps_the_number_of_elements<(lockstep::)?shape<4, 6> ?, (lockstep::)?shape<3, 7> ?>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int columns = 7;
#else
constexpr int columns = 8;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
inline auto const moved = ls::reshape<ls::shape<3, columns>>(x);
