// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

#include <cstdint>
#include <random>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// Images of classes that can be told apart: bright where their class says, and noise. Pixels in [0, 1].
template <class Shape>
struct images {
    ls::tensor<float, Shape> inputs;
    std::vector<std::int32_t> targets;

    images(std::int64_t count, int classes) : inputs(count) {
        std::mt19937 generator(5);
        std::uniform_real_distribution<float> noise(0.0f, 0.3f);
        for (std::int64_t i = 0; i < count; ++i) {
            targets.push_back(static_cast<std::int32_t>(i % classes));
            int pixel = 0;
            for (float& value : inputs[i])
                value = noise(generator) + (pixel++ / 16 % classes == targets.back() ? 0.7f : 0.0f);
        }
    }

    ls::batch_view<float, Shape> batch() const { return {inputs.view(), targets}; }
};

/// The losses of the first and of the last step on one batch.
struct losses {
    double first, last;
};

template <class Trainer, class Batch>
losses train(Trainer& trainer, Batch const& batch, int steps) {
    losses result{trainer.step(batch), 0.0};
    for (int step = 1; step < steps; ++step) result.last = trainer.step(batch);
    return result;
}

} // namespace tests
