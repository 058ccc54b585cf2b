// SPDX-License-Identifier: MIT
// Workers fill batches, so batch<> stands before them.
// error: batch_is_missing_between<(lockstep::)?tensor_dataset<(lockstep::)?shape<4>.*, (lockstep::)?workers>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& data) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = data | ls::workers(2);
#else
    auto samples = data | ls::batch<8> | ls::workers(2);
#endif
}
