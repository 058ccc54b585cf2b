// SPDX-License-Identifier: MIT
// A reshape keeps every element.
// error: reshape_keeps_the_number_of_elements<(lockstep::)?shape<4, 6> ?, (lockstep::)?shape<5, 5> ?>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using to = ls::shape<5, 5>;
#else
using to = ls::shape<2, 12>;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
inline auto const moved = ls::reshape<to>(x);
