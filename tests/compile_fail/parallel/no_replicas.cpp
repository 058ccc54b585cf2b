// SPDX-License-Identifier: MIT
// A model runs on at least one replica.
// error: cpu_devices has 1 to 256 replicas
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int replicas = 0;
#else
constexpr int replicas = 1;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
static_assert(ls::parallel<model, ls::cpu_devices<replicas>>::replicas == replicas);
