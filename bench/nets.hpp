// SPDX-License-Identifier: MIT
#pragma once

#include "models.hpp"

#include <lockstep/lockstep.hpp>

/// The models of models.hpp as lockstep's types.
namespace bench {

namespace ls = lockstep;

template <class Case>
struct net;

template <>
struct net<tiny> {
    using type = ls::sequential<ls::shape<4>, ls::linear<64>, ls::tanh, ls::linear<64>, ls::tanh, ls::linear<2>>;
};

template <>
struct net<small> {
    using type = ls::sequential<ls::shape<784>, ls::linear<128>, ls::relu, ls::linear<10>>;
};

template <>
struct net<big> {
    using type = ls::sequential<ls::shape<784>, ls::linear<512>, ls::relu, ls::linear<256>, ls::relu, ls::linear<10>>;
};

template <>
struct net<lenet> {
    using type = ls::sequential<ls::shape<1, 28, 28>,                                           //
                                ls::conv2d<32, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, //
                                ls::conv2d<64, 5, ls::padding<2>>, ls::relu, ls::max_pool2d<2>, //
                                ls::flatten, ls::linear<512>, ls::relu, ls::linear<10>>;
};

} // namespace bench
