// SPDX-License-Identifier: MIT
// The whole training step of a chain of equal residual blocks, to measure how compile time grows with depth: as
// BLOCKS types one after another, or with REPEAT as one that is repeated.
#include <lockstep/lockstep.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#ifndef BLOCKS
#define BLOCKS 64
#endif

namespace ls = lockstep;

using block = ls::residual<ls::linear<16>, ls::relu, ls::linear<16>>;

#ifdef REPEAT
using net = ls::sequential<ls::shape<16>, ls::repeat<BLOCKS, block>, ls::linear<4>>;
#else
template <std::size_t>
using block_at = block;

template <std::size_t... Index>
auto chain(std::index_sequence<Index...>)
    -> ls::sequential<ls::shape<16>, block_at<Index>..., ls::linear<4>>;

using net = decltype(chain(std::make_index_sequence<BLOCKS>{}));
#endif

int main() {
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.01f, .momentum = 0.9f},
                        ls::batch_size<32>};
    ls::tensor<float, ls::shape<16>> const inputs(32);
    std::vector<std::int32_t> const targets(32);
    trainer.step(ls::batch_view<float, ls::shape<16>>{inputs.view(), targets});
}
