// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/layer.hpp>

namespace lockstep {

/// All axes become one, in PyTorch's order: [channels, height, width] -> [channels * height * width]. Nothing
/// moves in memory where a linear layer follows: its weight is stored in the image's order instead.
struct flatten {
    template <class In>
    using output_shape = shape<static_cast<int>(In::size)>;
};

} // namespace lockstep
