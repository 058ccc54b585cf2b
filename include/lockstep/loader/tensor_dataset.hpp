// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// Samples in memory with their targets: one class index each, or a tensor of any targets. Copies share the
/// memory.
///
///     tensor_dataset data{std::move(images), labels};     // tensor<float, shape<1, 28, 28>>, vector<int32_t>
///     tensor_dataset pairs{std::move(noisy), clean};      // tensor<float, shape<64>> twice
template <any_shape Shape, any_shape TargetShape = shape<>, class Target = std::int32_t,
          class Element = element_in<float, Shape>>
class tensor_dataset {
public:
    using sample_shape = Shape;
    using element = Element;
    using target_shape = TargetShape;
    using target = Target;

    /// Throws usage_error where the two don't have one length.
    tensor_dataset(tensor<Element, Shape> inputs, tensor<Target, TargetShape> targets) {
        if (inputs.count() != targets.count())
            throw usage_error{"tensor_dataset: inputs and targets differ in number: expected a target for each of " +
                              std::to_string(inputs.count()) + " samples, found " + std::to_string(targets.count())};
        content_ = std::make_shared<content const>(content{std::move(inputs), std::move(targets)});
    }

    /// One target a sample. Throws as above.
    tensor_dataset(tensor<Element, Shape> inputs, std::vector<Target> const& targets)
        requires(TargetShape::rank == 0)
        : tensor_dataset(std::move(inputs), as_tensor(targets)) {}

    std::int64_t size() const { return content_->inputs.count(); }

    Target read(std::int64_t index, std::span<Element> input) const
        requires(TargetShape::rank == 0)
    {
        std::ranges::copy(content_->inputs[index], input.begin());
        return content_->targets.data()[index];
    }

    void read(std::int64_t index, std::span<Element> input, std::span<Target> targets) const
        requires(TargetShape::rank > 0)
    {
        std::ranges::copy(content_->inputs[index], input.begin());
        std::ranges::copy(content_->targets[index], targets.begin());
    }

    std::span<Element const> lend(std::int64_t index, std::span<Target> targets) const {
        std::ranges::copy(content_->targets[index], targets.begin());
        return content_->inputs[index];
    }
    Target target_of(std::int64_t index) const
        requires(TargetShape::rank == 0)
    {
        return content_->targets.data()[index];
    }

private:
    struct content {
        tensor<Element, Shape> inputs;
        tensor<Target, TargetShape> targets;
    };

    static tensor<Target, TargetShape> as_tensor(std::vector<Target> const& targets) {
        tensor<Target, TargetShape> result(static_cast<std::int64_t>(targets.size()));
        std::ranges::copy(targets, result.data());
        return result;
    }

    std::shared_ptr<content const> content_;
};

template <class Element, any_shape Shape>
tensor_dataset(tensor<Element, Shape>, std::vector<std::int32_t>)
    -> tensor_dataset<Shape, shape<>, std::int32_t, Element>;
template <class Element, any_shape Shape, class Target, any_shape TargetShape>
tensor_dataset(tensor<Element, Shape>, tensor<Target, TargetShape>)
    -> tensor_dataset<Shape, TargetShape, Target, Element>;

} // namespace lockstep
