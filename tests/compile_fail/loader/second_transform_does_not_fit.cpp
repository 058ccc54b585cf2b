// SPDX-License-Identifier: MIT
// to_float takes bytes; behind another one there are none any more. The error names the second one alone.
// error: transform_does_not_fit<(lockstep::)?to_float, (lockstep::)?sample_view<float, (lockstep::)?shape<1, 28, 28> ?>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/normalize.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<1, 28, 28>, ls::shape<>, std::int32_t, std::uint8_t> const& images) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = images | ls::shuffle(ls::seed{1}) | ls::map(ls::to_float{}, ls::to_float{});
#else
    auto samples = images | ls::shuffle(ls::seed{1}) | ls::map(ls::to_float{}, ls::normalize{});
#endif
}
