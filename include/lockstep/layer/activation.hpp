// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// Elementwise layers, which take any shape. Within a forward expression they are functions: relu{}(x).
struct relu {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::relu, X>{};
    }
};

struct tanh {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::tanh, X>{};
    }
};

struct sigmoid {
    template <expression X>
    constexpr auto operator()(X) const {
        return apply<function::sigmoid, X>{};
    }
};

} // namespace lockstep
