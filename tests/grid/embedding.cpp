// SPDX-License-Identifier: MIT
// Platforms that sort: the gradient of a large embedding goes by sorted indices there, with the same bits.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <vector>

namespace {

using namespace tests;

constexpr std::int64_t bytes_of_a_sort = 4096;
std::atomic<int> sorts = 0;

/// Queues that sort, and use up all the memory that they have for it.
struct sorting : queues::platform<true> {
    static std::int64_t sort_bytes(int, std::int64_t, int) { return bytes_of_a_sort; }
    static void sort(queues::stream const& s, ls::grid::pair_sort const& what) {
        CHECK(what.memory_bytes == bytes_of_a_sort);
        ++sorts;
        s.tell([what] {
            std::vector<std::int32_t> order(static_cast<std::size_t>(what.count));
            std::iota(order.begin(), order.end(), 0);
            std::ranges::stable_sort(order, {}, [&](std::int32_t i) { return what.keys[i]; });
            for (std::size_t i = 0; i < order.size(); ++i) {
                what.sorted_keys[i] = what.keys[order[i]];
                what.sorted_numbers[i] = what.numbers[order[i]];
            }
            std::memset(what.memory, 0xff, bytes_of_a_sort);
        });
    }
};
template <int Number>
struct queue {
    using platform = sorting;
    static constexpr int number = Number;
};

/// 4 samples' indices are as many comparisons with all rows as are worth a sort; those of fewer are looked through.
constexpr int words = 1 << 16, length = 256;
using net = ls::sequential<ls::class_indices<words, length>, ls::embedding<2>, ls::linear<3>>;

template <class Devices>
auto train_words() {
    std::mt19937 generator(7);
    ls::tensor<std::int32_t, ls::class_indices<words, length>> inputs{8};
    std::vector<std::int32_t> targets;
    for (std::int64_t n = 0; n < 8; ++n)
        for (std::int32_t& word : inputs[n]) {
            // Some words again and again.
            word = static_cast<std::int32_t>(generator() % (generator() % 2 == 0 ? 5 : words));
            targets.push_back(word % 3);
        }
    ls::parallel<net, Devices, ls::reproducible<2>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.5}, ls::batch_size<8>};
    std::vector<double> losses;
    for (std::int64_t const count : {8, 8, 5})
        losses.push_back(trainer.step(ls::batch_view<float, ls::class_indices<words, length>, ls::shape<length>>{
            inputs.view().slice(0, count), std::span(targets).first(static_cast<std::size_t>(count * length))}));
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

} // namespace

TEST_CASE("a large embedding learns the same by sorted indices, on one replica and on two") {
    auto const expected = train_words<ls::devices<queues::queue<0>>>();
    CHECK(sorts == 0);
    compare(train_words<ls::devices<queue<0>>>(), expected);
    // In graphs that are captured once, of full batches: two shards, in two places for a batch. Of 5 samples none has 4.
    CHECK(sorts == 2 * 2);
    compare(train_words<ls::devices<queue<0>, queue<1>>>(), expected);
    CHECK(sorts == 2 * 2 * 2);
    check_close(expected, train_words<ls::cpu_devices<1>>());
}
