// SPDX-License-Identifier: MIT
// Several processes train one model: under reproducible<V> with the same bits as one process.
#include "processes.hpp"
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;

template <class... Options>
using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::batch_norm<Options...>, ls::tanh, ls::dropout<0.3>, ls::linear<16>,
                           ls::tanh, ls::linear<4>>;

/// 40 steps of full, short and nearly empty batches, of which a process takes its part, and an evaluation.
template <class Model, int Replicas, class... Policies, class... Options>
outcome<float> train_part(int rank, int processes, way how, Options const&... options) {
    samples<float, typename Model::input_shape> const data(16, 4, 11);
    ls::parallel<Model, ls::cpu_devices<Replicas>, ls::buckets<ls::bucket_bytes<512>>, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{.learning_rate = 0.02}, ls::batch_size<16>, options...};
    auto const part_of = [&](std::int64_t count) { return data.part_of(count, rank, processes); };
    outcome<float> result;
    std::int64_t const counts[] = {16, 16, 13, 1, 2, 3, 16, 5, 4, 15};
    for (int step = 0; step < 40; ++step) result.losses.push_back(take_step(trainer, part_of(counts[step % 10]), how));
    std::vector const test{part_of(16), part_of(3), part_of(11)};
    ls::evaluation const evaluated = trainer.evaluate(test);
    CHECK(evaluated.samples == 30);
    result.losses.push_back(evaluated.loss);
    result.losses.push_back(evaluated.accuracy);
    result.parameters.assign(model.parameters(), model.parameters() + model.parameter_elements());
    for (int s = 0; s < 2; ++s)
        for (float const value : trainer.read_optimizer_state(s)) result.states.push_back(value);
    return result;
}

/// The same on several processes, all of which come to the same.
template <class Model, int Replicas, class... Policies, class... Options>
outcome<float> train_on(int processes, way how, Options const&... options) {
    return run_alike(processes, [&](int rank) {
        return train_part<Model, Replicas, threads_as_processes, Policies...>(rank, processes, how, options...);
    });
}

} // namespace

TEST_CASE_TEMPLATE("any split over processes and replicas leaves the same bits", Norm, net<>, net<ls::synchronized>) {
    auto const one = train_part<Norm, 1, ls::reproducible<4>>(0, 1, way::whole);
    REQUIRE(one.is_finite());
    CHECK(one == train_part<Norm, 2, ls::reproducible<4>>(0, 1, way::whole));
    CHECK(one == train_on<Norm, 1, ls::reproducible<4>>(1, way::whole));
    CHECK(one == train_on<Norm, 1, ls::reproducible<4>>(2, way::whole));
    CHECK(one == train_on<Norm, 2, ls::reproducible<4>>(2, way::whole));
    CHECK(one == train_on<Norm, 1, ls::reproducible<4>>(4, way::whole));
    CHECK(one == train_on<Norm, 1, ls::reproducible<4>>(4, way::by_parts));
    CHECK(one == train_on<Norm, 1, ls::reproducible<4>, ls::sharded_optimizer>(2, way::whole));
    CHECK(one == train_on<Norm, 2, ls::reproducible<4>, ls::sharded_optimizer>(2, way::by_parts));
}

TEST_CASE("a number of processes that is no power of two cuts the tree where it can") {
    auto const one = train_part<net<>, 1, ls::reproducible<6>>(0, 1, way::whole);
    CHECK(one == train_on<net<>, 1, ls::reproducible<6>>(3, way::whole));
    CHECK(one == train_on<net<>, 2, ls::reproducible<6>>(3, way::whole));
    CHECK(one == train_on<net<>, 3, ls::reproducible<6>>(2, way::whole));
}

TEST_CASE("clipping by the norm and accumulation over batches are the same over processes") {
    ls::clip_norm const tight{0.05};
    auto const clipped = train_part<net<>, 1, ls::reproducible<4>>(0, 1, way::whole, tight);
    CHECK(clipped != train_part<net<>, 1, ls::reproducible<4>>(0, 1, way::whole));
    CHECK(clipped == train_on<net<>, 1, ls::reproducible<4>>(2, way::whole, tight));
    CHECK(clipped == train_on<net<>, 2, ls::reproducible<4>, ls::sharded_optimizer>(2, way::by_parts, tight));
    auto const accumulated = train_part<net<>, 1, ls::reproducible<4>>(0, 1, way::whole, ls::accumulate{3});
    CHECK(accumulated.is_finite());
    CHECK(accumulated == train_on<net<>, 2, ls::reproducible<4>>(2, way::whole, ls::accumulate{3}));
    CHECK(accumulated == train_on<net<>, 1, ls::reproducible<4>, ls::sharded_optimizer>(4, way::by_parts, ls::accumulate{3}));
}

TEST_CASE("without reproducible, each process adds its own shards first, and all agree") {
    auto const one = train_part<net<ls::synchronized>, 1>(0, 1, way::whole);
    auto const six = train_on<net<ls::synchronized>, 2>(3, way::whole);
    REQUIRE(six.losses.size() == one.losses.size());
    CHECK(six.is_finite());
    // Rounding alone, which training multiplies.
    double largest = 0.0;
    for (std::size_t i = 0; i < 10; ++i) largest = std::max(largest, std::abs(one.losses[i] - six.losses[i]));
    CHECK(largest < 1e-4);
    CHECK(six != one);
}
