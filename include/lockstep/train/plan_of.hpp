// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/train/trainer.hpp>

namespace lockstep {

/// The plan of a training step, without a model or a trainer: a constant. Policies are those of parallel.
///
///   static_assert(plan_of<net, cross_entropy, sgd, cpu_devices<2>, 64>.peak_bytes(0) < 64_MiB);
template <class Model, class Loss, class Optimizer, class Devices, int Batch, class... Policies>
inline constexpr plan plan_of = trainer<parallel<Model, Devices, Policies...>, Loss, Optimizer, Batch>::training_plan;

} // namespace lockstep
