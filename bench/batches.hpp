// SPDX-License-Identifier: MIT
#pragma once

#include "models.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace bench {

/// Some batches of samples that can be learned, made beforehand and handed out in turn: every class has a
/// random prototype, a sample is the prototype of its class under noise.
class batches {
public:
    batches(int input_size, int classes, int batch, int count = 8)
        : input_size_(input_size), batch_(batch), count_(count),
          inputs_(static_cast<std::size_t>(count) * batch * input_size),
          targets_(static_cast<std::size_t>(count) * batch) {
        std::mt19937 random(7);
        std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
        std::vector<float> prototypes(static_cast<std::size_t>(classes) * input_size);
        for (float& x : prototypes) x = uniform(random);
        for (std::size_t sample = 0; sample < targets_.size(); ++sample) {
            targets_[sample] = static_cast<std::int32_t>(random() % static_cast<unsigned>(classes));
            float const* prototype = &prototypes[static_cast<std::size_t>(targets_[sample]) * input_size];
            for (int i = 0; i < input_size; ++i)
                inputs_[sample * input_size + i] = 0.5f * (prototype[i] + uniform(random));
        }
    }

    int batch() const { return batch_; }
    int count() const { return count_; }
    /// [batch, input_size], row after row.
    std::span<float const> inputs(int index) const {
        auto const size = static_cast<std::size_t>(batch_) * input_size_;
        return {inputs_.data() + index * size, size};
    }
    /// [batch], class indices.
    std::span<std::int32_t const> targets(int index) const {
        auto const size = static_cast<std::size_t>(batch_);
        return {targets_.data() + index * size, size};
    }
    /// The index of the next batch: 0, 1, ..., count() - 1, 0, ...
    int next() {
        int const index = next_;
        next_ = next_ + 1 == count_ ? 0 : next_ + 1;
        return index;
    }

private:
    int input_size_;
    int batch_;
    int count_;
    int next_ = 0;
    std::vector<float> inputs_;
    std::vector<std::int32_t> targets_;
};

template <class Case>
batches make_batches(int batch) {
    return {input_size<Case>(), classes<Case>(), batch};
}

} // namespace bench
