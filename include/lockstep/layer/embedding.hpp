// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/gather.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// A row of numbers for each class, as PyTorch's Embedding: class_indices<V, positions> -> [positions, Features].
/// It is the first layer of a model whose input are class indices; their number comes from there.
/// Parameter: weight [V, Features]. Option: initialized<weight, ...>; normal without it.
template <int Features, class... Options>
struct embedding {
    static_assert(Features > 0, "an embedding has at least one feature");
    static constexpr bool takes_class_indices = true;

    template <class In>
    using broken_rule = std::conditional_t<is_class_indices<In>, rule::none, rule::takes_class_indices>;

    template <class In, class Initializer = initializer_from<weight, initializer::normal<>, Options...>>
    using parameters_for = lockstep::parameters<parameter<weight, shape<In::classes, Features>, Initializer>>;
    template <class In>
    using parameters = parameters_for<In>;

    constexpr auto operator()(auto x, auto context) const { return gather(context[weight{}], x); }
};

} // namespace lockstep
