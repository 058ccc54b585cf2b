// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/layer/rule.hpp>

namespace lockstep {

/// A loss is an empty type with an expression for one sample, `operator()(scores, target)`. What it says of its
/// targets: their shape for scores of shape In, and whether they are numbers or class indices. A step sums it
/// over a batch and divides by the number of samples.

/// The tag of the leaf that holds a batch's targets.
struct target_tag {};

/// Minus the logarithm of the probability that softmax(scores) gives the target's class, as PyTorch's
/// CrossEntropyLoss with class indices: logsumexp(x) - x[target].
struct cross_entropy {
    template <class In>
    using broken_rule =
        std::conditional_t<In::rank == 1, rule::none, rule::takes_one_score_per_class>;
    template <class In>
    using target_shape = shape<>;
    static constexpr leaf_content target_content = leaf_content::class_index;

    constexpr auto operator()(auto scores, auto target) const {
        return logsumexp(scores) - pick(scores, target);
    }
    /// 1 for a sample whose highest score is its target's, else 0.
    static constexpr auto correct(auto scores, auto target) { return equal(argmax(scores), target); }
};

} // namespace lockstep
