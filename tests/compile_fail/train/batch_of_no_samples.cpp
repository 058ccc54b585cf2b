// SPDX-License-Identifier: MIT
// A trainer's memory is planned for batches of at least one sample.
// error: a batch has at least one sample
// errors: 1
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int samples = 0;
#else
constexpr int samples = 1;
#endif

inline constexpr auto size = ls::batch_size<samples>;
