// SPDX-License-Identifier: MIT
// mixup mixes numbers, and indices of classes are none.
// error: collation_does_not_fit<(lockstep::)?mixup, (lockstep::)?tensor_view<float, (lockstep::)?shape<4> ?>, (lockstep::)?tensor_view<(int|int32_t), (lockstep::)?shape<> ?>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/one_hot.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::batch<8> | ls::collate(ls::seed{1}, ls::mixup{});
#else
    auto samples = data | ls::map_targets(ls::one_hot<10>{}) | ls::batch<8> | ls::collate(ls::seed{1}, ls::mixup{});
#endif
}
