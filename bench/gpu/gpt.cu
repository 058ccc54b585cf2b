// SPDX-License-Identifier: MIT
#include "../../examples/models/gpt.hpp"
#include "rows.hpp"
#include "step.hpp"

#include <lockstep/cuda.hpp>

namespace bench {

/// GPT-2 small in bf16, with weights of its own behind the last layer: 163 million parameters.
void add_gpt() {
    add_step<ls::cuda_devices<1>, models::gpt<50257, 1024, 768, 12, 12>, 8, ls::mixed_precision<ls::bf16>>("gpt2_bf16", 10, 3);
}

} // namespace bench
