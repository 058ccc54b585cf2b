// SPDX-License-Identifier: MIT
// A gradient is with respect to something that the expression depends on.
// error: expression_does_not_depend_on<(lockstep::)?leaf<b_tag, (lockstep::)?shape<5> ?, false
// errors: 1
#include <lockstep/expression/gradient.hpp>
#include <lockstep/expression/matmul.hpp>

namespace ls = lockstep;

struct b_tag {};
constexpr ls::leaf<struct x_tag, ls::shape<7>, true> x;
constexpr ls::leaf<struct w_tag, ls::shape<7, 5>, false> w;
constexpr ls::leaf<b_tag, ls::shape<5>, false> b;

#ifdef EXPECT_COMPILE_ERROR
inline auto const slope = gradient(matmul(x, w), b);
#else
inline auto const slope = gradient(matmul(x, w) + b, b);
#endif
