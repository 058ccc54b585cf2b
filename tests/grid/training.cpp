// SPDX-License-Identifier: MIT
// The whole way of a model on devices that compute by themselves, beside the same on a host.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;
using queues::queue;

struct swish {
    constexpr auto operator()(auto x) const { return x * ls::sigmoid{}(x); }
};
using chain = ls::sequential<ls::shape<6>, swish, ls::tanh>;

} // namespace
