// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/expression/expression.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/shape/memory_order.hpp>
#include <lockstep/tensor/tensor.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace lockstep {

/// What the compiler prints for a batch or loader whose samples the model cannot take.
template <class Samples, class Element>
struct batch_of {
    template <class Input, class InputElement>
    struct fed_to_a_model_for {
        static_assert(std::is_same_v<batch_of<Samples, Element>, batch_of<Input, InputElement>>,
                      "the samples' shape or elements are not the model's: the type above names both, the batch's and "
                      "the model's");
    };
};

/// What the compiler prints for a loss that cannot take the model's output.
template <class Loss>
struct loss_of {
    template <class Output>
    struct fed_with {
        template <class Rule>
        struct breaks {
            static_assert(std::is_same_v<Rule, rule::none>,
                          "the loss cannot take the model's output: the type above names the loss, the output's "
                          "shape and the rule that this breaks");
        };
    };
};

} // namespace lockstep

namespace lockstep::detail {

/// A shape without the extents of 1, which targets are written without: a class for each of [positions, 1].
template <class Shape>
struct without_ones {
    static constexpr extents value = [] {
        extents result;
        for (int axis = 0; axis < Shape::rank; ++axis)
            if (Shape::extents[axis] != 1) result.extent[result.rank++] = Shape::extents[axis];
        return result;
    }();
};

/// The targets of one sample for an output: class indices without the axis of the classes, numbers as they are.
template <class Loss, class Output>
struct sample_targets_of {
    using type = typename Loss::template target_shape<Output>;
};
template <class Loss, class Output>
    requires(Loss::target_content == leaf_content::class_index)
struct sample_targets_of<Loss, Output> {
    using type = lockstep::shape_from<without_ones<typename Loss::template target_shape<Output>>>;
};
template <class Loss, class Output>
using sample_targets = typename sample_targets_of<Loss, Output>::type;

/// What the compiler prints for a batch whose targets the loss cannot take.
template <class Loss>
struct targets_of {
    template <class Shape, class Element>
    struct expected {
        template <class FoundShape, class FoundElement>
        struct found {
            static_assert(std::is_same_v<Shape, FoundShape> && std::is_same_v<Element, FoundElement>,
                          "the batch's targets are not those of the loss: the type above names the loss, and shape and "
                          "elements that it takes and that were found");
        };
    };
};

/// Throws data_error for the first index that is none of 0 to classes - 1, nor the one that is ignored.
inline void check_indices(std::span<std::int32_t const> indices, std::int64_t per_sample, class_range const& range, char const* what) {
    for (std::size_t i = 0; i < indices.size(); ++i)
        if ((indices[i] < 0 || indices[i] >= range.classes) && indices[i] != range.ignored)
            throw data_error("trainer: sample " + std::to_string(static_cast<std::int64_t>(i) / per_sample) + " of the batch has " +
                             what + " " + std::to_string(indices[i]) + ", expected 0 to " + std::to_string(range.classes - 1));
}

/// Checks the numbers in a batch that something is looked up with. Throws usage_error for a wrong number of targets,
/// data_error for an index that names nothing.
template <class Loss, class Output, class T, class Shape, class TargetShape, class Target>
void check_batch(batch_view<T, Shape, TargetShape, Target> const& batch) {
    std::int64_t const expected = batch.count() * TargetShape::size;
    if (static_cast<std::int64_t>(batch.targets.size()) != expected)
        throw usage_error("trainer: a batch of " + std::to_string(batch.count()) + " samples has " +
                          std::to_string(batch.targets.size()) + " targets" +
                          (TargetShape::size > 1 ? ", expected " + std::to_string(expected) : ""));
    if constexpr (Loss::target_content == leaf_content::class_index) {
        for (class_range const& range : class_ranges_of<Loss, Output>())
            check_indices(batch.targets, TargetShape::size, range, "target");
    }
    if constexpr (is_class_indices<Shape>) check_indices(batch.inputs.elements(), Shape::size, {Shape::classes}, "input");
}

} // namespace lockstep::detail
