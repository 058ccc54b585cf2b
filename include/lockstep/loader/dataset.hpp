// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// Samples that can be read in any order, by several threads at once: `read(index, input)` writes the
/// sample_shape::size values of sample `index`, 0 <= index < size(), and returns its target. What it throws
/// stops the loop over the batches; the sample's index is added on the way. A dataset may have
/// `expect(index)` too: it is told of a sample while the one before is read, and may fetch it from memory.
template <class T>
concept dataset = any_shape<typename T::sample_shape> &&
                  requires(T const& data, std::int64_t index, std::span<float> input) {
                      { data.size() } -> std::same_as<std::int64_t>;
                      { data.read(index, input) } -> std::same_as<std::int32_t>;
                  };

/// Samples in memory, with the index of each one's class. Copies share the memory.
template <any_shape Shape>
class tensor_dataset {
public:
    using sample_shape = Shape;

    /// Throws usage_error where the two don't have one length.
    tensor_dataset(tensor<float, Shape> inputs, std::vector<std::int32_t> targets) {
        if (inputs.count() != static_cast<std::int64_t>(targets.size()))
            throw usage_error{
                "tensor_dataset: inputs and targets differ in number: expected a target for each of " +
                std::to_string(inputs.count()) + " samples, found " + std::to_string(targets.size())};
        content_ = std::make_shared<content const>(std::move(inputs), std::move(targets));
    }

    std::int64_t size() const { return content_->inputs.count(); }

    std::int32_t read(std::int64_t index, std::span<float> input) const {
        std::ranges::copy(content_->inputs[index], input.begin());
        return content_->targets[static_cast<std::size_t>(index)];
    }

private:
    struct content {
        content(tensor<float, Shape> all_inputs, std::vector<std::int32_t> all_targets)
            : inputs(std::move(all_inputs)), targets(std::move(all_targets)) {}

        tensor<float, Shape> inputs;
        std::vector<std::int32_t> targets;
    };

    std::shared_ptr<content const> content_;
};

} // namespace lockstep
