// SPDX-License-Identifier: MIT
// Products for each place of the axes before the last two: both operands have the same ones.
// error: inner_extents_differ<(lockstep::)?shape<2, 4, 6> ?, (lockstep::)?shape<3, 6, 5> ?>
// errors: 1
#include <lockstep/expression/matmul.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int batches = 3;
#else
constexpr int batches = 2;
#endif

constexpr ls::leaf<struct x_tag, ls::shape<2, 4, 6>, true> x;
constexpr ls::leaf<struct y_tag, ls::shape<batches, 6, 5>, true> y;
inline auto const product = matmul(x, y);
