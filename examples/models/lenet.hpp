// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

namespace models {

namespace ls = lockstep;

/// A convolutional net in the manner of LeCun et al. 1998, for grey images of 28 x 28 pixels in 10 classes.
using lenet = ls::sequential<ls::shape<1, 28, 28>,                                           //
                             ls::conv2d<32, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, //
                             ls::conv2d<64, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, //
                             ls::flatten, ls::linear<128>, ls::relu, ls::dropout<0.25>, ls::linear<10>>;

} // namespace models
