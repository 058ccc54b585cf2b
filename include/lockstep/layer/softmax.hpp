// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/rows.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// Shares that add up to 1, exp(x) / sum(exp(x)), over the features, or the channels of an image at each pixel, as
/// PyTorch's Softmax(dim) with dim = -1, and 1 for images. Any shape, unchanged. x - max(x) is what is raised, so
/// large numbers do no harm.
struct softmax {
    template <expression X>
    constexpr auto operator()(X) const {
        return compute<primitive::softmax, X>{};
    }
};

/// log(softmax(x)), computed as x - log(sum(exp(x))), as PyTorch's LogSoftmax over the same axis.
struct log_softmax {
    template <expression X>
    constexpr auto operator()(X x) const {
        return x - logsumexp(x);
    }
};

} // namespace lockstep
