// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/tensor/tensor.hpp>
#include <lockstep/train/targets.hpp>

#include <type_traits>

namespace lockstep::detail {

/// A batch as the type that everything else of a trainer takes. Samples and targets are looked at in turn, so that one
/// that fits in neither is one error.
template <class Trainer, class Loss, class T, class Shape, class TargetShape, class Target>
typename Trainer::batch_type batch_for(batch_view<T, Shape, TargetShape, Target> const& batch) {
    using input_shape = typename Trainer::input_shape;
    using target_shape = typename Trainer::target_shape;
    using target = typename Trainer::target;
    using found = batch_of<Shape, element_in<T, Shape>>;
    using input_element = element_in<typename Trainer::element, input_shape>;
    using found_targets =
        typename targets_of<Loss>::template expected<target_shape, target>::template found<TargetShape, Target>;
    if constexpr (!std::is_same_v<found, batch_of<input_shape, input_element>>) {
        static_assert(sizeof(typename found::template fed_to_a_model_for<input_shape, input_element>) > 0);
        return {};
    } else if constexpr (!std::is_same_v<TargetShape, target_shape> || !std::is_same_v<Target, target>) {
        static_assert(sizeof(found_targets) > 0);
        return {};
    } else {
        return {batch.inputs, batch.targets, batch.first, batch.whole, batch.offset};
    }
}

} // namespace lockstep::detail
