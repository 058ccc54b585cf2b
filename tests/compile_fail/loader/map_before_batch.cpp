// SPDX-License-Identifier: MIT
// Samples are transformed, not batches: map stands before batch<>.
// error: stage_takes_a_dataset_before_batch<(lockstep::)?map_stage<.*normalize>, (lockstep::)?loader<
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/normalize.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::batch<8> | ls::map(ls::normalize{});
#else
    auto samples = data | ls::map(ls::normalize{}) | ls::batch<8>;
#endif
}
