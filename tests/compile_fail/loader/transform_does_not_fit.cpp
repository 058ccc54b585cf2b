// SPDX-License-Identifier: MIT
// A crop of an image is no transform of features, behind flatten or not.
// error: transform_does_not_fit<(lockstep::)?random_crop<4(, 0, 0)?>, (lockstep::)?sample_view<float, (lockstep::)?shape<784> ?>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/random_crop.hpp>

namespace ls = lockstep;

inline void read([[maybe_unused]] ls::tensor_dataset<ls::shape<1, 28, 28>> const& images,
                 [[maybe_unused]] ls::tensor_dataset<ls::shape<784>> const& features) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = features | ls::map(ls::seed{1}, ls::random_crop<4>{});
#else
    auto samples = images | ls::map(ls::seed{1}, ls::random_crop<4>{});
#endif
}
