// SPDX-License-Identifier: MIT
// A shape has no axis of extent zero: an empty batch is a count of samples, never a shape.
// error: every extent of a shape is at least 1
// errors: 1
#include <lockstep/shape/shape.hpp>

#ifdef EXPECT_COMPILE_ERROR
constexpr int height = 0;
#else
constexpr int height = 28;
#endif

static_assert(lockstep::shape<1, height, 28>::rank == 3);
