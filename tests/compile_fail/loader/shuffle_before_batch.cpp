// SPDX-License-Identifier: MIT
// Samples are shuffled, not batches: shuffle stands before batch<>.
// error: stage_takes_a_dataset_before_batch<(lockstep::)?shuffle, (lockstep::)?loader<
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::batch<8> | ls::shuffle(ls::seed{1});
#else
    auto samples = data | ls::shuffle(ls::seed{1}) | ls::batch<8>;
#endif
}
