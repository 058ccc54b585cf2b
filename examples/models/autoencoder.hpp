// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

namespace models {

namespace ls = lockstep;

struct encoder {
    static constexpr char const* name = "encoder";
};
struct decoder {
    static constexpr char const* name = "decoder";
};

/// Grey images of 28 x 28 pixels through a code of Features numbers and back (Hinton and Salakhutdinov 2006, with
/// convolutions): to be trained on images as their own targets, pixels in [0, 1], by ls::bce_with_logits. The output
/// are logits; a sigmoid makes pixels of them.
template <int Features>
using autoencoder =
    ls::sequential<ls::shape<1, 28, 28>,
                   ls::named<encoder,                                                               //
                             ls::conv2d<16, 3, ls::stride<2>, ls::padding<1>>, ls::relu,            // 16 x 14 x 14
                             ls::conv2d<32, 3, ls::stride<2>, ls::padding<1>>, ls::relu,            // 32 x 7 x 7
                             ls::flatten, ls::linear<Features>>,                                    //
                   ls::named<decoder,                                                               //
                             ls::linear<32 * 7 * 7>, ls::relu, ls::reshaped<32, 7, 7>,              // 32 x 7 x 7
                             ls::conv_transpose2d<16, 4, ls::stride<2>, ls::padding<1>>, ls::relu,  // 16 x 14 x 14
                             ls::conv_transpose2d<1, 4, ls::stride<2>, ls::padding<1>>>>;           // 1 x 28 x 28

} // namespace models
