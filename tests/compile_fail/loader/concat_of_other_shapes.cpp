// SPDX-License-Identifier: MIT
// Samples of one dataset have one shape.
// error: samples_differ_in_shape_or_elements<(lockstep::)?batch_view<float, (lockstep::)?shape<4>
// errors: 1
#include <lockstep/loader/concat.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<4>> const& four, ls::tensor_dataset<ls::shape<5>> const& five) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = ls::concat(four, five);
#else
    auto samples = ls::concat(four, four);
    auto others = ls::concat(five, five);
#endif
}
