// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/model/loss.hpp>

namespace lockstep {

/// (output - target)^2, as PyTorch's MSELoss: the mean over all elements, or with reduce_by_sum the sum.
template <class... Options>
struct mse_with : detail::elementwise_loss<Options...> {
    constexpr auto operator()(auto output, auto target) const { return square(output - target); }
};
using mse = mse_with<>;

/// |output - target|, as PyTorch's L1Loss: the mean over all elements, or with reduce_by_sum the sum. Its slope at 0
/// is 0.
template <class... Options>
struct l1_with : detail::elementwise_loss<Options...> {
    constexpr auto operator()(auto output, auto target) const { return abs(output - target); }
};
using l1 = l1_with<>;

/// A square near the target and a line further off, as PyTorch's HuberLoss (Huber 1964): with d = output - target,
/// d^2 / 2 where |d| < Delta, else Delta (|d| - Delta / 2). The mean over all elements, or with reduce_by_sum the sum.
template <double Delta = 1.0, class... Options>
struct huber : detail::elementwise_loss<Options...> {
    static_assert(Delta > 0.0, "huber's delta is above 0");

    constexpr auto operator()(auto output, auto target) const {
        auto const distance = abs(output - target);
        // The bounded distance times what is left of the whole: both cases in one expression without a branch.
        auto const bounded = minimum(distance, number<Delta>);
        return bounded * (distance - number<0.5> * bounded);
    }
};

/// Minus the log-probability of targets in [0, 1] when each output is the logit of a probability of its own, as
/// PyTorch's BCEWithLogitsLoss: max(x, 0) - x t + log(1 + exp(-|x|)). The mean over all elements, or with
/// reduce_by_sum the sum.
template <class... Options>
struct bce_with_logits_with : detail::elementwise_loss<Options...> {
    constexpr auto operator()(auto logits, auto target) const {
        return maximum(logits, number<0.0>) - logits * target + log1p(exp(-abs(logits)));
    }
    /// 1 for an element on the target's side of 0.5.
    static constexpr auto correct(auto logits, auto target) {
        return equal(less(number<0.0>, logits), less(number<0.5>, target));
    }
    static constexpr auto answers(auto logits, auto target) { return detail::elementwise_loss<Options...>::divisor(logits, target); }
};
using bce_with_logits = bce_with_logits_with<>;

/// target (log(target) - output) for an output of log-probabilities and a target of probabilities, 0 where the
/// target is 0, as PyTorch's KLDivLoss with reduction = "batchmean": the sum over a batch is divided by the number of
/// samples; with reduce_by_sum it is not.
template <class... Options>
struct kl_div_with : detail::elementwise_loss<Options...> {
    constexpr auto operator()(auto output, auto target) const {
        auto const positive = less(number<0.0>, target);
        auto const safe = where(positive, target, number<1.0>);
        return where(positive, target * (log(safe) - output), number<0.0>);
    }
    static constexpr auto divisor(auto, auto) { return sample_count{}; }
};
using kl_div = kl_div_with<>;

} // namespace lockstep
