// SPDX-License-Identifier: MIT
// Who computes with doubles wants no bf16.
// error: mixed_precision: what is rounded is float, not double
// errors: 1
#include "../../grid/queues.hpp"

#include <lockstep/layer/linear.hpp>
#include <lockstep/parallel/grid/parallel.hpp>

namespace ls = lockstep;

#ifdef EXPECT_COMPILE_ERROR
using number = double;
#else
using number = float;
#endif

using model = ls::sequential<ls::shape<4>, ls::linear<3>>;
using devices = ls::devices<queues::queue<0>>;
static_assert(ls::parallel<model, devices, ls::mixed_precision<ls::bf16>, ls::element<number>>::replicas == 1);
