// SPDX-License-Identifier: MIT
// What draws random numbers is told from where.
// error: random_transform_needs_a_seed<(lockstep::)?horizontal_flip>
// errors: 1
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>

namespace ls = lockstep;

inline void read(ls::tensor_dataset<ls::shape<1, 28, 28>> const& images) {
#ifdef EXPECT_COMPILE_ERROR
    auto samples = images | ls::map(ls::horizontal_flip{});
#else
    auto samples = images | ls::map(ls::seed{1}, ls::horizontal_flip{});
#endif
}
