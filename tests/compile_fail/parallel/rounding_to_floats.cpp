// SPDX-License-Identifier: MIT
// Values are rounded to what is smaller than a float.
// error: mixed_precision<Format>: Format is bf16 or half
// errors: 1
#include <lockstep/parallel/policy.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using format = float;
#else
using format = ls::half;
#endif

static_assert(sizeof(ls::mixed_precision<format>) > 0);
