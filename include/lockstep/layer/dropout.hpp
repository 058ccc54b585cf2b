// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// In training each element is 0 with the given probability and else scaled by 1 / (1 - Probability), so that
/// its mean stays; in evaluation nothing happens. Which elements depends on seed, step, layer and the sample's
/// place in the batch alone, not on the replica that computes it.
template <double Probability>
struct dropout {
    static_assert(Probability >= 0.0 && Probability < 1.0, "a dropout probability lies in [0, 1)");

    constexpr auto operator()(auto x, auto context) const {
        if constexpr (!context.training || Probability == 0.0) return x;
        else {
            auto const dropped = less(context.uniform(x), literal<Probability>{});
            return where(dropped, literal<0.0>{}, x * literal<1.0 / (1.0 - Probability)>{});
        }
    }
};

} // namespace lockstep
