// SPDX-License-Identifier: MIT
// Devices of several processes add with each other, in an order of their own.
// error: devices of this kind train over several processes with unordered
// errors: 1
#include "../../grid/queues.hpp"
#include "../../parallel/processes.hpp"

#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/grid/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using policy = ls::unpinned;
#else
using policy = ls::unordered;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
using devices = ls::devices<queues::queue<0>, queues::queue<1>>;
static_assert(ls::parallel<model, devices, tests::threads_as_processes, policy>::replicas == 2);
