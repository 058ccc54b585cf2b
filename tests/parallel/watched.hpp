// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/reduce.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/layer/parameter.hpp>

namespace tests {

namespace ls = lockstep;

struct seen {
    static constexpr char const* name = "seen";
};
struct largest {
    static constexpr char const* name = "largest";
};

/// x, and how many samples and what largest values there were.
struct watched {
    template <class In>
    using parameters = ls::parameters<ls::state<seen, ls::shape<>, ls::initializer::zeros, ls::merge::sum>,
                                      ls::state<largest, In, ls::initializer::zeros, ls::merge::maximum>>;

    template <ls::expression X>
    constexpr auto operator()(X x, auto context) const {
        if constexpr (!context.training) return x + context[seen{}] * ls::number<0.0>;
        else {
            constexpr ls::compute<ls::primitive::max_to<typename X::result_shape, false>, X> over_batch;
            return ls::observed_with(x + ls::number<0.0>, ls::observe(seen{}, ls::sample_count{} + ls::number<0.0>),
                                     ls::observe(largest{}, over_batch));
        }
    }
};

} // namespace tests
