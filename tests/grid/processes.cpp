// SPDX-License-Identifier: MIT
// Several processes, threads in truth, each with devices that compute by themselves: together they come to what one process
// comes to that has all the shards, but for rounding, and all to the same bits.
#include "../parallel/processes.hpp"
#include "../parallel/training.hpp"
#include "../parallel/watched.hpp"
#include "queues.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;
template <int... Number>
using apart = ls::devices<queues::queue<Number, false>...>;

template <class... Options>
using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::batch_norm<Options...>, ls::tanh, ls::dropout<0.3>, ls::linear<4>>;

/// 20 steps of full, short and nearly empty batches, of which a process takes its part, and an evaluation.
template <class Model, class Devices, class... Policies, class... Options>
outcome<double> train_part(int rank, int processes, way how, Options const&... options) {
    samples<double, typename Model::input_shape> const data(16, 4, 11);
    ls::parallel<Model, Devices, ls::buckets<ls::bucket_bytes<512>>, ls::element<double>, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05, .momentum = 0.9}, ls::batch_size<16>, options...};
    auto const part_of = [&](std::int64_t count) { return data.part_of(count, rank, processes); };
    outcome<double> result;
    std::int64_t const counts[] = {16, 16, 13, 1, 2, 3, 16, 5, 4, 15};
    for (int step = 0; step < 20; ++step) result.losses.push_back(take_step(trainer, part_of(counts[step % 10]), how));
    result.losses.push_back(trainer.loss());
    if constexpr (requires { trainer.finish_accumulation(); }) trainer.finish_accumulation();
    std::vector const test{part_of(16), part_of(3), part_of(11)};
    ls::evaluation const evaluated = trainer.evaluate(test);
    CHECK(evaluated.samples == 30);
    result.losses.push_back(evaluated.loss);
    result.losses.push_back(evaluated.accuracy);
    result.parameters.assign(model.parameters(), model.parameters() + model.parameter_elements());
    result.states = trainer.read_optimizer_state(0);
    return result;
}

template <class Model, class Devices, class... Options>
outcome<double> train_on(int processes, way how, Options const&... options) {
    return run_alike(processes, [&](int rank) {
        return train_part<Model, Devices, ls::unordered, threads_as_processes>(rank, processes, how, options...);
    });
}

} // namespace

TEST_CASE_TEMPLATE("processes with devices train as one process does", Norm, net<>, net<ls::synchronized>) {
    auto const one = train_part<Norm, on<0>, ls::reproducible<4>>(0, 1, way::whole);
    check_close(train_on<Norm, on<0, 1>>(2, way::whole), one, 1e-11);
    // One device a process: its steps are graphs, with the sums in them.
    check_close(train_on<Norm, on<0>>(4, way::whole), one, 1e-11);
    check_close(train_on<Norm, apart<0, 1>>(2, way::by_parts), one, 1e-11);
}

TEST_CASE("a norm's clip, and batches accumulated, over processes with devices") {
    auto const one = train_part<net<>, on<0>, ls::reproducible<4>>(0, 1, way::whole, ls::clip_norm{0.05}, ls::accumulate{3});
    check_close(train_on<net<>, on<0, 1>>(2, way::whole, ls::clip_norm{0.05}, ls::accumulate{3}), one, 1e-11);
}

TEST_CASE("states that are a sum or the largest of what was seen, over processes with devices") {
    using counting = ls::sequential<ls::shape<6>, watched, ls::linear<5>, ls::tanh, ls::linear<4>>;
    auto const one = train_part<counting, on<0>, ls::reproducible<4>>(0, 1, way::whole);
    check_close(train_on<counting, on<0, 1>>(2, way::whole), one, 1e-11);
    check_close(train_on<counting, on<0>>(4, way::by_parts), one, 1e-11);
}

TEST_CASE("states that lie next to each other are put together at once, frozen parameters and others apart") {
    using normalized = ls::sequential<ls::shape<6>, ls::linear<7>, ls::batch_norm<>, ls::tanh, ls::linear<5>, ls::batch_norm<>,
                                      ls::frozen<ls::linear<5>>, ls::batch_norm<>, watched, ls::linear<4>>;
    auto const one = train_part<normalized, on<0>, ls::reproducible<4>>(0, 1, way::whole);
    int const before = queues::communicators<false>::sums();
    check_close(train_on<normalized, on<0, 1>>(2, way::whole), one, 1e-11);
    int const found = queues::communicators<false>::sums() - before;
    using model = ls::parallel<normalized, on<0, 1>, ls::buckets<ls::bucket_bytes<512>>, ls::element<double>, ls::unordered,
                               threads_as_processes>;
    using training = ls::trainer<model, ls::cross_entropy, ls::sgd, 16>::training;
    // In front of the frozen layer the means and variances of two layers; behind it those of one and a sum; then the largest.
    CHECK(ls::grid::state_runs<training>.all().size() == 3);
    CHECK(found == 2 * 20 * static_cast<int>(1 + training::value.buckets.size() + 3));
}

TEST_CASE("processes with devices that are not in step are told so before anything begins") {
    auto const [results, failures] = run_processes(2, [](int rank) {
        samples<float, ls::shape<6>> const data(16, 4, 11);
        ls::parallel<net<>, on<0>, ls::unordered, threads_as_processes> model{ls::seed{3}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
        auto batch = data.batch(rank * 8, 8);
        batch.whole = 16;
        batch.offset = rank * 8;
        trainer.step(batch);
        std::vector const test{batch};
        if (rank == 0) trainer.step(batch);
        else trainer.evaluate(test);
        return 0;
    });
    for (std::string const& text : failures) {
        CAPTURE(text);
        CHECK(text.find("processes are not in step") != std::string::npos);
        CHECK(text.find("evaluates after step 1 of 16 samples") != std::string::npos);
    }
}

TEST_CASE("processes with other seeds do not begin") {
    auto const [results, failures] = run_processes(2, [](int rank) {
        ls::parallel<net<>, on<0>, ls::unordered, threads_as_processes> const model{ls::seed{static_cast<std::uint64_t>(rank)}};
        return 0;
    });
    for (std::string const& text : failures)
        CHECK(text.find("parallel: the seed: expected the same in all processes") != std::string::npos);
}
