// SPDX-License-Identifier: MIT
// Sampling by class needs samples with one class each.
// error: stage_takes_samples_of_classes<(lockstep::)?stratified, (lockstep::)?tensor_dataset<
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

namespace ls = lockstep;

inline void read([[maybe_unused]] ls::tensor_dataset<ls::shape<4>, ls::shape<4>, float> const& pairs,
                 [[maybe_unused]] ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = pairs | ls::stratified(ls::seed{1});
#else
    auto samples = data | ls::stratified(ls::seed{1});
#endif
}
