// SPDX-License-Identifier: MIT
// Every replica computes the same number of shards.
// error: V is a multiple of the number of replicas
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int shards = 3;
#else
constexpr int shards = 4;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
static_assert(ls::parallel<model, ls::cpu_devices<2>, ls::reproducible<shards>>::replicas == 2);
