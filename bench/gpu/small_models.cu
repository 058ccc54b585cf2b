// SPDX-License-Identifier: MIT
#include "../nets.hpp"
#include "rows.hpp"
#include "step.hpp"

#include <lockstep/cuda.hpp>

#include <cstddef>

namespace bench {

namespace {

template <class Case, std::size_t Index = 0>
void add_steps() {
    add_step<ls::cuda_devices<1>, typename net<Case>::type, Case::batches[Index]>(Case::name, 2000, 100);
    if constexpr (Index + 1 < Case::batches.size()) add_steps<Case, Index + 1>();
}

} // namespace

void add_small_models() {
    add_steps<tiny>();
    add_steps<small>();
    add_steps<big>();
    add_steps<lenet>();
}

} // namespace bench
