// SPDX-License-Identifier: MIT
// What a trainer offers on devices that compute by themselves: options, optimizers, evaluation, use, files.
#include "../parallel/training.hpp"
#include "queues.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/plan/print.hpp>
#include <lockstep/train/grid/step.hpp>
#include <lockstep/train/plan_of.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <unistd.h>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;

using net = ls::sequential<ls::shape<6>, ls::linear<20>, ls::tanh, ls::linear<4>>;
using samples_of_net = samples<float, ls::shape<6>>;

template <class Devices, class... Policies, class Optimizer, class... Options>
auto trained(Optimizer const& optimizer, Options const&... options) {
    ls::parallel<net, Devices, ls::reproducible<2>, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, options...};
    samples_of_net const data(16, 4, 5);
    outcome<float> result;
    std::vector<double> losses;
    for (int step = 0; step < 15; ++step) losses.push_back(trainer.step(data.batch(0, step % 4 == 3 ? 5 : 16)));
    if constexpr (requires { trainer.finish_accumulation(); }) {
        trainer.finish_accumulation();
        CHECK(trainer.loss() == losses.back());
    }
    result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

struct temporary_file {
    std::string path = (std::filesystem::temp_directory_path() / ("lockstep_grid_" + std::to_string(::getpid()))).string();
    ~temporary_file() { std::filesystem::remove(path); }
};

} // namespace

TEST_CASE("gradients clipped by their norm and accumulated over batches, on devices as on a host") {
    ls::averaged const optimizer{ls::adam{.learning_rate = 0.02}, 0.9};
    auto const expected = trained<ls::cpu_devices<1>>(optimizer, ls::clip_norm{0.05}, ls::accumulate{4});
    auto const one = trained<on<0>>(optimizer, ls::clip_norm{0.05}, ls::accumulate{4});
    check_close(one, expected, 1e-4);
    compare(trained<on<0, 1>>(optimizer, ls::clip_norm{0.05}, ls::accumulate{4}), one);
    compare(trained<ls::devices<queues::queue<0, false>, queues::queue<1, false>>>(optimizer, ls::clip_norm{0.05}, ls::accumulate{4}), one);
}

TEST_CASE("a plan for devices counts each replica's own copy of the parameters") {
    constexpr auto host = ls::plan_of<net, ls::cross_entropy, ls::adam, ls::cpu_devices<2>, 16>.memory();
    constexpr auto device = ls::plan_of<net, ls::cross_entropy, ls::adam, on<0, 1>, 16>.memory();
    constexpr auto unordered = ls::plan_of<net, ls::cross_entropy, ls::adam, on<0, 1>, 16, ls::unordered>.memory();
    static_assert(device.parameters == 2 * host.parameters && device.optimizer == host.optimizer);
    static_assert(unordered.parameters == device.parameters && unordered.optimizer == 2 * device.optimizer);
    CHECK(to_text(ls::plan_of<net, ls::cross_entropy, ls::adam, on<0, 1>, 16>).find("its copy of 4 parameters") != std::string::npos);
}

TEST_CASE("evaluation, use, parameters and checkpoints on devices") {
    ls::parallel<net, ls::cpu_devices<1>, ls::reproducible<2>> host{ls::seed{3}};
    ls::parallel<net, on<0, 1>, ls::reproducible<2>> model{ls::seed{3}};
    ls::trainer on_host{host, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    samples_of_net const data(200, 4, 5);
    std::vector const batches{data.batch(0, 100), data.batch(100, 37), data.batch(137, 1)};

    CHECK(model.parameter(0) == host.parameter(0));
    auto const before = trainer.evaluate(batches), expected = on_host.evaluate(batches);
    CHECK(before.samples == 138);
    CHECK(before.loss == doctest::Approx(expected.loss).epsilon(1e-5));
    CHECK(before.accuracy == expected.accuracy);

    // An evaluation between a step and the question for its loss leaves it alone.
    trainer.step(data.batch(0, 16));
    on_host.step(data.batch(0, 16));
    trainer.evaluate(batches);
    CHECK(trainer.loss() == doctest::Approx(on_host.loss()).epsilon(1e-5));

    auto const found = model(data.inputs.view()), wanted = host(data.inputs.view());
    REQUIRE(found.count() == 200);
    double largest = 0.0;
    for (std::int64_t i = 0; i < 200 * 4; ++i) largest = std::max(largest, static_cast<double>(std::abs(found.data()[i] - wanted.data()[i])));
    CHECK(largest < 1e-5);

    temporary_file const file;
    ls::save_checkpoint(file.path, trainer, 1);
    double const next = trainer.step(data.batch(16, 16));
    auto const after = outcome_of(trainer);
    ls::parallel<net, on<0>, ls::reproducible<2>> again{ls::seed{4}};
    ls::trainer restored{again, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>};
    CHECK(ls::load_checkpoint(file.path, restored).steps == 1);
    CHECK(restored.step(data.batch(16, 16)) == next);
    auto const same = outcome_of(restored);
    CHECK(same.parameters == after.parameters);
    CHECK(same.states == after.states);

    // What is set on the host is what the next step starts from.
    for (int i = 0; i < model.parameter_count(); ++i) model.set_parameter(i, std::vector<float>(model.parameter(i).size(), 0.0f));
    CHECK(trainer.step(data.batch(0, 16)) == doctest::Approx(std::log(4.0)));
}

TEST_CASE("the loss of a step on devices is waited for when it is asked for, and not for a later one") {
    ls::parallel<net, on<0>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
    samples_of_net const data(16, 4, 5);
    auto const first = trainer.step(data.batch(0, 16));
    CHECK(first == trainer.loss());
    trainer.step(data.batch(0, 16));
    CHECK_THROWS_WITH_AS(static_cast<void>(static_cast<double>(first)),
                         "trainer: the loss of step 1 was asked for after step 2", ls::usage_error);
}

TEST_CASE("steps that nobody waits for are the same steps") {
    auto const parameters = [](bool waits) {
        ls::parallel<net, on<0, 1>, ls::reproducible<2>> model{ls::seed{3}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ls::batch_size<16>};
        // Another batch each time, in memory that is used again at once.
        for (unsigned step = 0; step < 60; ++step) {
            samples_of_net data(16, 4, step);
            auto const loss = trainer.step(data.batch(0, 16));
            if (waits) CHECK(std::isfinite(static_cast<double>(loss)));
            std::fill_n(data.inputs.data(), 16 * 6, 1e9f);
        }
        return outcome_of(trainer).parameters;
    };
    CHECK(parameters(false) == parameters(true));
}

TEST_CASE("what fails on a device names what was done, and the trainer refuses further steps until it is restored") {
    ls::parallel<net, on<0>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
    samples_of_net const data(16, 4, 5);
    trainer.step(data.batch(0, 16));
    queues::launches_until_failure() = 0;
    CHECK_THROWS_WITH_AS(trainer.step(data.batch(0, 12)), "replica 0, the step: a launch that fails", ls::replica_error);
    CHECK_THROWS_AS(trainer.step(data.batch(0, 16)), ls::usage_error);
    trainer.resume(1, 1);
    CHECK_NOTHROW(trainer.step(data.batch(0, 12)));
}

// Which the thread sanitizer says without a test.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("without its events a step goes wrong") {
    auto const right = trained<on<0, 1>>(ls::sgd{.learning_rate = 0.1});
    compare(trained<on<0, 1>>(ls::sgd{.learning_rate = 0.1}), right);
    queues::waits_are_forgotten() = true;
    bool differs = false;
    for (int attempt = 0; attempt < 50 && !differs; ++attempt) differs = !(trained<on<0, 1>>(ls::sgd{.learning_rate = 0.1}) == right);
    queues::waits_are_forgotten() = false;
    CHECK(differs);
}
#endif

namespace {
struct identity {
    constexpr auto operator()(auto x) const { return x; }
};
} // namespace

TEST_CASE("a model that does nothing gives back what it is given") {
    ls::parallel<ls::sequential<ls::shape<3>, identity>, on<0, 1>> model{ls::seed{3}};
    ls::tensor<float, ls::shape<3>> given(5);
    for (std::int64_t i = 0; i < 15; ++i) given.data()[i] = static_cast<float>(i);
    CHECK(std::ranges::equal(model(given).elements(), given.elements()));
}
