// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/dataset.hpp>

#include <span>
#include <utility>

namespace lockstep {

/// A stage that makes a dataset of a dataset, `data | take(1000)`: its member `over(data)` returns the new one. A
/// stage says so by `static constexpr bool makes_dataset = true`.
template <class T>
concept dataset_stage = requires { requires T::makes_dataset; };

template <dataset Data, dataset_stage Stage>
auto operator|(Data data, Stage stage) {
    return std::move(stage).over(std::move(data));
}

/// Stages that make a dataset of a dataset stand before the order and before batch<>.
template <class Stage, class Source>
struct stage_takes_a_dataset {};
template <class Source, dataset_stage Stage, class Rule = stage_takes_a_dataset<Stage, Source>>
    requires(!dataset<Source>)
Rule operator|(Source const&, Stage const&) = delete;

} // namespace lockstep
