// SPDX-License-Identifier: MIT
// Hosts store what they compute.
// error: mixed_precision: these devices store what they compute; it is for devices that compute by themselves, as cuda<0>
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using policy = ls::mixed_precision<ls::bf16>;
#else
using policy = ls::unpinned;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
static_assert(ls::parallel<model, ls::cpu_devices<2>, policy>::replicas == 2);
