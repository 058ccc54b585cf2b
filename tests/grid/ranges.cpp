// SPDX-License-Identifier: MIT
// What profilers show of a step: the plan's commands and operations by their names, where they are put into streams.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace tests;

/// The ranges that began, each behind as many dots as there are around it, and how many there are around the next one.
std::vector<std::string> begun;
std::size_t depth = 0;

/// Queues with a profiler.
template <bool Captured>
struct with_ranges : queues::platform<true, Captured> {
    class range {
    public:
        explicit range(char const* name) { begun.push_back(std::string(depth++, '.') + name); }
        range(range const&) = delete;
        range& operator=(range const&) = delete;
        ~range() { --depth; }
    };
};
static_assert(ls::grid::ranging_platform<with_ranges<true>>);
static_assert(!ls::grid::ranging_platform<queues::platform<true>>);

template <int Number, bool Captured = true>
struct queue {
    using platform = with_ranges<Captured>;
    static constexpr int number = Number;
};

using net = ls::sequential<ls::shape<6>, ls::linear<5>, ls::tanh, ls::linear<4>>;
using names = std::vector<std::string>;

names begun_by(auto const& work) {
    begun.clear();
    work();
    CHECK(depth == 0);
    return begun;
}
names join(std::vector<names> const& parts) {
    names all;
    for (names const& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}
std::size_t count(names const& all, std::string const& name) {
    auto const has_it = [&](std::string const& each) { return each.ends_with("." + name); };
    return static_cast<std::size_t>(std::ranges::count_if(all, has_it));
}

} // namespace

TEST_CASE("a step's commands, shards and operations are ranges where they are captured; its replay is one") {
    ls::parallel<net, ls::devices<queue<0>>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<8>};
    samples<float, ls::shape<6>> const data(8, 4, 11);
    auto const step = [&](std::int64_t samples) { return begun_by([&] { trainer.step(data.batch(0, samples)); }); };
    auto const operations = [&](int begin, int end) {
        names all;
        for (int i = begin; i < end; ++i) all.push_back("...." + ls::detail::describe_operation(trainer.training_plan, i));
        return all;
    };
    names const expected = join({{"the step", ".capture"},
                                 {"..begin shard 0", "...shard 0", "..run 0 to 7", "...shard 0"},
                                 operations(0, 8),
                                 {"..keep results", "...shard 0", "..run 8 to 14", "...shard 0"},
                                 operations(8, 15),
                                 {"..arrive at event 0", "..wait for event 0", "..reduce and update bucket 0"},
                                 {"..arrive at event 1", "..wait for event 1"}});
    auto const first = step(8);
    CHECK(first == expected);
    CHECK(first[6] == "....operation 0: matmul, layer 0");
    CHECK(first[7] == "....operation 1: add+tanh, layer 0");
    // The other place of a batch.
    CHECK(step(8) == first);
    CHECK(step(8) == names{"the step"});
    CHECK(step(8) == names{"the step"});
    CHECK(step(5) == first);
}

TEST_CASE("each shard's operations have their names, on whatever replica they are") {
    ls::parallel<net, ls::devices<queue<0>, queue<1>>, ls::reproducible<4>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<8>};
    samples<float, ls::shape<6>> const data(8, 4, 11);
    auto const all = begun_by([&] { trainer.step(data.batch(0, 8)); });
    // They begin, run forward, keep their results, and run backward.
    for (char const* shard : {"shard 0", "shard 1", "shard 2", "shard 3"}) CHECK(count(all, shard) == 4);
    CHECK(count(all, "operation 0: matmul, layer 0") == 4);
    CHECK(count(all, "reduce and update bucket 0") == 2);
}

TEST_CASE("a step that is put into streams anew has its ranges each time, what is said for all replicas once") {
    ls::parallel<net, ls::devices<queue<0, false>, queue<1, false>>, ls::unordered> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<8>};
    samples<float, ls::shape<6>> const data(8, 4, 11);
    auto const step = [&] { return begun_by([&] { trainer.step(data.batch(0, 8)); }); };
    auto const first = step();
    CHECK(first.front() == "the step");
    CHECK(count(first, "capture") == 0);
    CHECK(count(first, "reduce and update bucket 0") == 1);
    CHECK(count(first, "shard 1") == 4);
    CHECK(step() == first);
    CHECK(step() == first);
}

TEST_CASE("ranges end where something fails, and stand around evaluations and use") {
    ls::parallel<net, ls::devices<queue<0>>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<8>};
    samples<float, ls::shape<6>> const data(8, 4, 11);
    std::vector const batches{data.batch(0, 8)};
    auto const evaluated = begun_by([&] { static_cast<void>(trainer.evaluate(batches)); });
    CHECK(evaluated.front() == "the evaluation");
    CHECK(count(evaluated, "operation 0: matmul, layer 0") == 1);
    CHECK(begun_by([&] { static_cast<void>(model(data.inputs)); }).front() == "operation 0: matmul, layer 0");
    queues::launches_until_failure() = 3;
    CHECK(begun_by([&] { CHECK_THROWS_AS(trainer.step(data.batch(0, 8)), ls::error); }).front() == "the step");
    queues::launches_until_failure() = -1;
}
