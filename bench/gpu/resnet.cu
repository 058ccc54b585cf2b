// SPDX-License-Identifier: MIT
#include "../../examples/models/resnet.hpp"
#include "rows.hpp"
#include "step.hpp"

#include <lockstep/cuda.hpp>

namespace bench {

/// ResNet-18 in bf16, for images of 32 x 32 pixels, as is trained on CIFAR-10.
void add_resnet() {
    add_step<ls::cuda_devices<1>, models::cifar_resnet18<>, 256, ls::mixed_precision<ls::bf16>>("resnet18_bf16", 40, 10);
}

} // namespace bench
