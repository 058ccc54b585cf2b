// SPDX-License-Identifier: MIT
// The program of the README: a convolutional net on Fashion-MNIST, two replicas.

#include <lockstep/lockstep.hpp>

#include <cstdio>

namespace ls = lockstep;
using namespace ls::literals;

using net = ls::sequential<ls::shape<1, 28, 28>, // one sample, no batch
                           ls::conv2d<32, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                           ls::linear<128>, ls::relu, ls::dropout<0.25>, ls::linear<10>>;

int main() {
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}}; // two replicas, one thread each
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.01, .momentum = 0.9},
                        ls::batch_size<64>};
    static_assert(decltype(trainer)::training_plan.peak_bytes(0) < 64_MiB); // of either replica, known before it runs
    auto train = ls::fashion_mnist(ls::split::train) | ls::shuffle(ls::seed{1}) | ls::batch<64> |
                 ls::workers(1) | ls::prefetch(4);
    auto test = ls::fashion_mnist(ls::split::test) | ls::batch<64>;
    for (int epoch = 0; epoch < 3; ++epoch) {
        for (auto const& batch : train) trainer.step(batch); // forward, backward, reduce, update
        auto const result = trainer.evaluate(test);
        std::printf("loss %.3f accuracy %.3f\n", result.loss, result.accuracy);
    }
}
