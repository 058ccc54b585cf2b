// SPDX-License-Identifier: MIT
// A collate stage is for batches.
// error: batch_is_missing_between<(lockstep::)?tensor_dataset<.*, (lockstep::)?collate_stage<(lockstep::)?mixup> ?>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/one_hot.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>, ls::shape<2>, float> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::collate(ls::seed{1}, ls::mixup{});
#else
    auto samples = data | ls::batch<8> | ls::collate(ls::seed{1}, ls::mixup{});
#endif
}
