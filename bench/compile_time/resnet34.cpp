// SPDX-License-Identifier: MIT
// The whole training step of a ResNet-34 for images of 224 x 224 pixels: nine shapes of convolutions, 110 tensors.
#include "../../examples/models/resnet.hpp"

#include <cstdint>
#include <vector>

namespace ls = lockstep;

using net = models::resnet34<>;

int main() {
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1, .momentum = 0.9},
                        ls::batch_size<32>};
    ls::tensor<float, net::input_shape> const inputs(32);
    std::vector<std::int32_t> const targets(32);
    trainer.step(ls::batch_view<float, net::input_shape>{inputs.view(), targets});
}
