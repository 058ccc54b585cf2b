// SPDX-License-Identifier: MIT
// Traps that other libraries for data-parallel training have fallen into, one test each.
#include "processes.hpp"
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace {

using namespace tests;

using net = ls::sequential<ls::shape<6>, ls::linear<12>, ls::tanh, ls::linear<4>>;
using normalized = ls::sequential<ls::shape<6>, ls::linear<12>, ls::batch_norm<>, ls::tanh, ls::dropout<0.2>, ls::linear<4>>;

samples<double, ls::shape<6>> const& data() {
    static samples<double, ls::shape<6>> const value(16, 4, 3);
    return value;
}

/// Losses and parameters of steps on batches of these sizes.
template <int Replicas, class Model = net, class... Policies>
std::pair<std::vector<double>, std::vector<double>> train_on(std::vector<std::int64_t> const& counts) {
    ls::parallel<Model, ls::cpu_devices<Replicas>, ls::element<double>, Policies...> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ls::batch_size<16>};
    std::vector<double> losses;
    for (std::int64_t const count : counts) losses.push_back(trainer.step(data().batch(0, count)));
    return {losses, {model.parameters(), model.parameters() + model.parameter_elements()}};
}
void check_close(std::vector<double> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-12));
}
void check_same_training(std::vector<std::int64_t> const& counts) {
    auto const [losses, parameters] = train_on<1>(counts);
    auto const [losses_of_four, parameters_of_four] = train_on<4>(counts);
    check_close(losses_of_four, losses);
    check_close(parameters_of_four, parameters);
}

/// Runs a training on two processes, one of which takes so many steps. Returns what each ends with.
std::vector<std::string> end_after(int steps_of_first, int steps_of_second) {
    return run_processes(2, [&](int rank) {
        ls::parallel<net, ls::cpu_devices<1>, ls::element<double>, threads_as_processes> model{ls::seed{1}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
        auto batch = data().batch(8 * rank, 8);
        batch.whole = 16;
        batch.offset = 8 * rank;
        for (int step = 0; step < (rank == 0 ? steps_of_first : steps_of_second); ++step) trainer.step(batch);
        return 0;
    }).second;
}

} // namespace

// dlib averages the devices' means with a flat 1 / N; so does DistributedDataParallel (#37359, #67253).
TEST_CASE("trap: unequal shards, a mean of means") { check_same_training({13, 7, 15, 6, 5}); }

// dlib adds what a device has left from its last batch.
TEST_CASE("trap: a replica without samples, a stale gradient") { check_same_training({16, 1, 3, 16, 2, 1}); }

// dlib makes its replicas in the first step, with other weights in each.
TEST_CASE("trap: the first step mixes gradients of different weights") {
    check_same_training({16});
    auto const failures = run_processes(2, [&](int rank) {
        // All processes start from the first one's values, and take the same step as one process alone.
        ls::parallel<net, ls::cpu_devices<2>, ls::element<double>, ls::reproducible<4>, threads_as_processes> model{ls::seed{1}};
        ls::parallel<net, ls::cpu_devices<2>, ls::element<double>, ls::reproducible<4>> alone{ls::seed{1}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
        ls::trainer other{alone, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
        auto batch = data().batch(8 * rank, 8);
        batch.whole = 16;
        batch.offset = 8 * rank;
        CHECK(trainer.step(batch) == other.step(data().batch(0, 16)));
        CHECK(std::equal(model.parameters(), model.parameters() + model.parameter_elements(), alone.parameters()));
        return 0;
    }).second;
    CHECK(failures == std::vector<std::string>(2));
}

// Batch norm's running statistics of one device only are kept, others are lost (dlib; pytorch #1051).
TEST_CASE("trap: running statistics of one replica only") {
    auto const statistics = [](auto const& model) { return model.parameter(4); };
    ls::parallel<normalized, ls::cpu_devices<2>, ls::element<double>> model{ls::seed{1}};
    static_assert(decltype(model)::parameter_count() > 4);
    REQUIRE(model.parameter_name(4) == "1.running_mean");
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.0}, ls::batch_size<16>};
    auto const before = statistics(model);
    trainer.step(data().batch(0, 16));
    auto const both = statistics(model);
    // What each half observes alone, from the same start.
    std::vector<std::vector<double>> halves;
    for (int half = 0; half < 2; ++half) {
        ls::parallel<normalized, ls::cpu_devices<1>, ls::element<double>> alone{ls::seed{1}};
        ls::trainer single{alone, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.0}, ls::batch_size<16>};
        single.step(data().batch(8 * half, 8));
        halves.push_back(statistics(alone));
    }
    CHECK(halves[0] != halves[1]);
    CHECK(both != before);
    for (std::size_t i = 0; i < both.size(); ++i)
        CHECK(both[i] == doctest::Approx((halves[0][i] + halves[1][i]) / 2).epsilon(1e-12));
}

// data_parallel of libtorch trained copies and never changed the model (#19540).
TEST_CASE("trap: weights that are never updated") {
    auto const [losses, parameters] = train_on<3>({16, 16, 16, 16, 16, 16, 16, 16});
    CHECK(losses.back() < 0.9 * losses.front());
}

// A process with fewer batches than the others leaves them hanging (pytorch #33148, #38174).
TEST_CASE("trap: different numbers of batches in processes") {
    CHECK(end_after(3, 3) == std::vector<std::string>{"", ""});
    auto const failures = end_after(5, 3);
    CHECK(failures[0].find("process 1 has left") != std::string::npos);
    CHECK(failures[1] == "");
    CHECK(end_after(0, 2)[1].find("process 0 has left") != std::string::npos);
}

// A batch must be a multiple of 256 (tiny-cuda-nn), or its tail is cut off (flashlight).
TEST_CASE("trap: batches of some sizes only") {
    for (std::int64_t count = 1; count <= 16; ++count) check_same_training({count});
}

// A training can only be resumed with as many processes as it was saved with (llm.c).
TEST_CASE("trap: a checkpoint for one number of replicas and processes only") {
    std::string const path = (std::filesystem::temp_directory_path() / "lockstep_elastic.safetensors").string();
    using alone_type = ls::parallel<normalized, ls::cpu_devices<1>, ls::element<double>, ls::reproducible<4>>;
    auto const take = [](auto& trainer, std::int64_t first, std::int64_t count) {
        auto batch = data().batch(first, count);
        return trainer.step(batch);
    };
    alone_type straight{ls::seed{1}};
    ls::trainer without_break{straight, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    for (int step = 0; step < 3; ++step) take(without_break, 0, 16);
    ls::save_checkpoint(path, without_break, 1);
    std::vector<double> expected;
    for (std::int64_t const count : {16, 5, 16}) expected.push_back(take(without_break, 0, count));

    ls::parallel<normalized, ls::cpu_devices<4>, ls::element<double>, ls::reproducible<4>> four{ls::seed{1}};
    ls::trainer on_four{four, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    CHECK(ls::load_checkpoint(path, on_four).epoch == 1);
    for (std::size_t i = 0; i < 3; ++i) CHECK(take(on_four, 0, i == 1 ? 5 : 16) == expected[i]);

    auto const failures = run_processes(2, [&](int rank) {
        ls::parallel<normalized, ls::cpu_devices<2>, ls::element<double>, ls::reproducible<4>, ls::sharded_optimizer, threads_as_processes>
            two{ls::seed{1}};
        ls::trainer on_two{two, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
        ls::load_checkpoint(path, on_two);
        for (std::size_t i = 0; i < 3; ++i) {
            std::int64_t const whole = i == 1 ? 5 : 16;
            ls::sample_range const part = ls::shard_of(whole, rank, 2);
            auto batch = data().batch(part.first, part.count);
            batch.whole = whole;
            batch.offset = part.first;
            CHECK(on_two.step(batch) == expected[i]);
        }
        return 0;
    }).second;
    CHECK(failures == std::vector<std::string>(2));
    std::filesystem::remove(path);
}
