// SPDX-License-Identifier: MIT
// A transposition names every axis of its operand once.
// error: transpose_names_every_axis_once<(lockstep::)?shape<4, 6> ?, 1, 1>
// errors: 1
#include <lockstep/expression/movement.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int second = 1;
#else
constexpr int second = 0;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<4, 6>, true> x;
inline auto const moved = ls::transpose<1, second>(x);
