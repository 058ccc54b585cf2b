// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <lockstep/expression/gather.hpp>

#include <algorithm>

namespace bench {

namespace {

template <int Classes, int Features>
void add_table() {
    constexpr int positions = 64, samples = 16, count = samples * positions;
    constexpr ls::variable<struct table_tag, ls::shape<Classes, Features>> table;
    constexpr ls::leaf<struct index_tag, ls::shape<positions>, true, ls::leaf_content::class_index> index;
    constexpr auto y = ls::gather(table, index);
    std::string const name = "embedding/" + std::to_string(Classes) + "x" + std::to_string(Features);
    add_forward(name, y, samples, floats(2.0 * count * Features), [=](auto const& at, float* __restrict out) {
        for (int i = 0; i < count; ++i)
            for (int c = 0; c < Features; ++c) out[i * Features + c] = at(table)[at(index)[i] * Features + c];
    }, Classes);
    add_backward(name + "/backward", y, table, samples, floats(3.0 * count * Features + Classes * Features),
                 [=](auto const& at, float* __restrict out) {
        std::fill_n(out, Classes * Features, 0.0f);
        float const* const g = at(upstream<decltype(y)>{});
        for (int i = 0; i < count; ++i)
            for (int c = 0; c < Features; ++c) out[at(index)[i] * Features + c] += g[i * Features + c];
    }, Classes);
}

} // namespace

void add_embedding() {
    add_table<1000, 32>();
    add_table<10000, 128>();
}

} // namespace bench
