// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

namespace models {

namespace ls = lockstep;

/// A multilayer perceptron for grey images of 28 x 28 pixels in 10 classes.
using mlp = ls::sequential<ls::shape<1, 28, 28>, ls::flatten, //
                           ls::linear<256>, ls::relu,         //
                           ls::linear<128>, ls::relu,         //
                           ls::linear<10>>;

} // namespace models
