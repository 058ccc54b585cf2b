// SPDX-License-Identifier: MIT
// What NCCL adds lies on devices that differ.
// error: unordered: each device is there once, as NCCL takes no device twice; without unordered one may be
// errors: 1
#include "../../grid/queues.hpp"

#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/grid/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
constexpr int second = 0;
#else
constexpr int second = 1;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
using devices = ls::devices<queues::queue<0>, queues::queue<second>>;
static_assert(ls::parallel<model, devices, ls::unordered>::replicas == 2);
// Without the policy they may be the same.
static_assert(ls::parallel<model, ls::devices<queues::queue<0>, queues::queue<0>>>::replicas == 2);
