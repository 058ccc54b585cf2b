// SPDX-License-Identifier: MIT
// Floats have the range for gradients as they are.
// error: loss_scaling: for a model with mixed_precision<half>; float and bf16 have the range for gradients as they are
// errors: 1
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace ls = lockstep;

using model = ls::parallel<ls::sequential<ls::shape<4>, ls::linear<3>>, ls::cpu_devices<2>>;

#ifdef EXPECT_COMPILE_ERROR
using option = ls::loss_scaling;
#else
using option = ls::accumulate;
#endif

static_assert(ls::trainer<model, ls::cross_entropy, ls::sgd, 8, option>::replicas == 2);
