// SPDX-License-Identifier: MIT
// A part of the dataset is taken, not of an order: take stands before shuffle.
// error: stage_takes_a_dataset<(lockstep::)?take, (lockstep::)?sampled<
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/subset.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::shuffle(ls::seed{1}) | ls::take(100);
#else
    auto samples = data | ls::take(100) | ls::shuffle(ls::seed{1});
#endif
}
