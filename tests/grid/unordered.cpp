// SPDX-License-Identifier: MIT
// Replicas whose gradients are added by the platform, in another order than ours: what comes of it is what comes of the
// fixed order, but for rounding, on any number of devices, and the same on all of them.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/grid/step.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;
/// Devices that do not reach each other's memory.
template <int... Number>
using apart = ls::devices<queues::queue<Number, false>...>;
/// Whose steps are graphs also where they add together.
template <int... Number>
using captured = ls::devices<queues::queue<Number, true, true>...>;

using exact = ls::element<double>;
using small_buckets = ls::buckets<ls::bucket_bytes<1 << 10>>;
using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::dropout<0.2>, ls::linear<20>, ls::relu, ls::linear<4>>;
using convolutional = ls::sequential<ls::shape<2, 6, 5>, ls::conv2d<5, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu, ls::flatten,
                                     ls::linear<4>>;

/// Whose replicas meet within their passes too.
using meeting = ls::sequential<ls::shape<6>, ls::linear<16>, ls::batch_norm<ls::synchronized>, ls::relu, ls::linear<4>>;

double difference(auto const& a, auto const& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i] - b[i])));
    return largest;
}
/// Steps with a norm's clip over accumulated batches, the last of which are too few.
template <class Devices, class... Policies>
auto accumulated() {
    ls::parallel<mlp, Devices, ls::reproducible<4>, exact, small_buckets, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{.learning_rate = 0.02}, ls::batch_size<16>, ls::clip_norm{0.05},
                        ls::accumulate{4}};
    samples<double, ls::shape<6>> const data(16, 4, 5);
    std::vector<double> losses;
    for (int step = 0; step < 14; ++step) losses.push_back(trainer.step(data.batch(0, step % 4 == 3 ? 5 : 16)));
    trainer.finish_accumulation();
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

/// All replicas' parameters and optimizer's values are those of the first, bit by bit.
template <class Model, class Trainer>
void check_that_replicas_agree(Model& model, Trainer& trainer) {
    static_cast<void>(static_cast<double>(trainer.loss()));
    for (int r = 0; r < Model::replicas; ++r) model.wait_for(model.stream(r));
    std::size_t const bytes = static_cast<std::size_t>(model.parameter_elements()) * sizeof(typename Model::element);
    for (int r = 1; r < Model::replicas; ++r) CHECK(std::memcmp(model.parameters_on(r), model.parameters_on(0), bytes) == 0);
}

} // namespace

TEST_CASE("gradients that the platform adds train an MLP as those of the fixed order do") {
    auto const expected = train<mlp, on<0>, ls::reproducible<4>, exact, small_buckets>();
    auto& sums = queues::communicators<false>::sums();
    sums = 0;
    // One device has nobody to add with.
    compare(train<mlp, on<0>, ls::reproducible<4>, exact, small_buckets, ls::unordered>(), expected);
    CHECK(sums == 0);
    auto const two = train<mlp, on<0, 1>, ls::reproducible<4>, exact, small_buckets, ls::unordered>();
    CHECK(sums >= 100);
    CHECK(sums % 50 == 0);
    check_close(two, expected);
    check_close(train<mlp, on<0, 1, 2, 3>, ls::reproducible<4>, exact, small_buckets, ls::unordered>(), expected);
    check_close(train<mlp, apart<3, 1, 0, 2>, ls::reproducible<4>, exact, small_buckets, ls::unordered>(), expected);
    compare(train<mlp, on<0, 1>, ls::reproducible<4>, exact, small_buckets, ls::unordered>(way::by_parts), two);
    // On a host there is one order.
    check_close(train<mlp, ls::cpu_devices<2>, ls::reproducible<4>, exact, small_buckets, ls::unordered>(), expected);
}

TEST_CASE("steps as graphs, where the platform can capture what devices do together, leave the same bits") {
    compare(train<mlp, captured<0, 1>, ls::reproducible<4>, exact, ls::unordered>(),
            train<mlp, on<0, 1>, ls::reproducible<4>, exact, ls::unordered>());
}

TEST_CASE("running statistics and a convolution, each batch of one shard a device") {
    auto const expected = train<convolutional, on<0, 1, 2, 3>>();
    check_close(train<convolutional, on<0, 1, 2, 3>, ls::unordered>(), expected);
    check_close(train<convolutional, apart<0, 1, 2, 3>, ls::unordered>(), expected);
    check_close(train<convolutional, on<0, 1>, ls::reproducible<4>, ls::unordered>(), expected);
    check_close(train<meeting, apart<0, 1>, ls::reproducible<4>, ls::unordered>(), train<meeting, on<0>, ls::reproducible<4>>());
}

TEST_CASE("what fails on its way into the streams ends there, and the trainer goes on when it is restored") {
    ls::parallel<mlp, on<0, 1>, ls::unordered> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
    samples<float, ls::shape<6>> const data(16, 4, 5);
    for (int launches : {0, 5, 20, 25}) {
        CAPTURE(launches);
        queues::launches_until_failure() = launches;
        CHECK_THROWS_WITH_AS(trainer.step(data.batch(0, 16)), "replica 0, the step: a launch that fails", ls::replica_error);
        CHECK_THROWS_AS(trainer.step(data.batch(0, 16)), ls::usage_error);
        trainer.resume(1, 1);
        trainer.step(data.batch(0, 16));
        check_that_replicas_agree(model, trainer);
    }
}

TEST_CASE("clipped by the norm and accumulated over batches") {
    auto const expected = accumulated<on<0>>();
    auto& sums = queues::communicators<false>::sums();
    sums = 0;
    check_close(accumulated<on<0, 1>, ls::unordered>(), expected);
    // What waits for a later batch is not sent: 3 updates of 4 batches, and one of what was left.
    CHECK(sums % 4 == 0);
    CHECK(sums > 4);
    CHECK(sums <= 4 * 8);
    check_close(accumulated<on<0, 1, 2, 3>, ls::unordered>(), expected);
    check_close(accumulated<apart<0, 1>, ls::unordered>(), expected);
}

TEST_CASE("all replicas have the same parameters, and a checkpoint goes to other devices") {
    using model_type = ls::parallel<mlp, on<0, 1, 2, 3>, small_buckets, ls::unordered>;
    model_type model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    samples<float, ls::shape<6>> const data(32, 4, 5);
    for (int step = 0; step < 10; ++step) trainer.step(data.batch(step % 2 * 16, 16));
    check_that_replicas_agree(model, trainer);

    std::string const name = "lockstep_unordered_" + std::to_string(::getpid());
    std::string const file = (std::filesystem::temp_directory_path() / name).string();
    ls::save_checkpoint(file, trainer, 1);
    double const next = trainer.step(data.batch(0, 16));
    auto const after = outcome_of(trainer);
    ls::parallel<mlp, on<0, 1, 2, 3>, small_buckets, ls::unordered> again{ls::seed{3}};
    ls::trainer restored{again, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    CHECK(ls::load_checkpoint(file, restored).steps == 10);
    std::filesystem::remove(file);
    CHECK(restored.step(data.batch(0, 16)) == doctest::Approx(next));
    check_that_replicas_agree(again, restored);
    CHECK(difference(outcome_of(restored).parameters, after.parameters) < 1e-5);
}
