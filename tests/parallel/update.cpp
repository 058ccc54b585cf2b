// SPDX-License-Identifier: MIT
// What follows a backward pass, against loops over PyTorch's layouts: clips, parameter groups, averages, learning
// rates, and what of it a checkpoint keeps.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/train/adagrad.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/lion.hpp>
#include <lockstep/train/parameter_groups.hpp>
#include <lockstep/train/rmsprop.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>

namespace {

using namespace tests;

using net = ls::sequential<ls::shape<6>, ls::linear<5>, ls::tanh, ls::linear<3>>;
using model_type = ls::parallel<net, ls::cpu_devices<2, ls::host::portable>, ls::element<double>>;
using values = std::vector<std::vector<double>>;

samples<double, ls::shape<6>> const& data() {
    static samples<double, ls::shape<6>> const all(16, 3, 5);
    return all;
}

values parameters_of(auto& model) {
    values result;
    for (int i = 0; i < model.parameter_count(); ++i) result.push_back(model.parameter(i));
    return result;
}
values gradients_of(auto& trainer) {
    values result;
    for (int i = 0; i < trainer.model().parameter_count(); ++i) result.push_back(trainer.gradient(i));
    return result;
}
double norm_of(values const& gradients) {
    double sum = 0.0;
    for (auto const& each : gradients)
        for (double const value : each) sum += value * value;
    return std::sqrt(sum);
}

/// Every element of the parameters: found(i, k) against expected(i, k), parameter i and element k of it.
void compare(values const& found, auto expected) {
    double largest = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i)
        for (std::size_t k = 0; k < found[i].size(); ++k)
            largest = std::max(largest, std::abs(found[i][k] - expected(i, k)));
    CHECK(largest < 1e-14);
}

/// A step by its parts, up to the update.
void differentiate(auto& trainer) {
    trainer.forward(data().batch(0, 13));
    trainer.backward();
    trainer.reduce();
}

bool is_bias(std::size_t parameter) { return parameter % 2 == 1; }

template <class Call>
std::string refusal(Call&& call) {
    try {
        call();
    } catch (ls::usage_error const& error) {
        return error.what();
    }
    return "nothing";
}

} // namespace

TEST_CASE("clip_norm scales the whole gradient down, and no gradient up") {
    for (double const max : {0.1, 1e3, std::numeric_limits<double>::infinity()}) {
        model_type model{ls::seed{1}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.5}, ls::batch_size<16>, ls::clip_norm{max}};
        CHECK(trainer.gradient_norm() == 0.0);
        for (int step = 0; step < 3; ++step) {
            auto const before = parameters_of(model);
            differentiate(trainer);
            auto const gradients = gradients_of(trainer);
            double const norm = norm_of(gradients);
            CHECK(trainer.gradient_norm() == doctest::Approx(norm).epsilon(1e-14));
            CHECK(norm > 0.1);
            trainer.update();
            double const factor = max == 0.1 ? 0.1 / (norm + 1e-6) : 1.0;
            compare(parameters_of(model), [&](auto i, auto k) { return before[i][k] - 0.5 * factor * gradients[i][k]; });
        }
    }
}

TEST_CASE("clip_norm lets a gradient through that is no number") {
    model_type model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>, ls::clip_norm{1.0}};
    samples<double, ls::shape<6>> broken(16, 3, 5);
    broken.inputs[3][2] = std::numeric_limits<double>::quiet_NaN();
    trainer.step(broken.batch(0, 16));
    CHECK(std::isnan(trainer.gradient_norm()));
    for (auto const& each : parameters_of(model))
        for (double const value : each) CHECK(std::isnan(value));
}

TEST_CASE("clip_value bounds every element") {
    model_type model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.5}, ls::batch_size<16>, ls::clip_value{0.02}};
    auto const before = parameters_of(model);
    differentiate(trainer);
    auto const gradients = gradients_of(trainer);
    trainer.update();
    compare(parameters_of(model), [&](auto i, auto k) { return before[i][k] - 0.5 * std::clamp(gradients[i][k], -0.02, 0.02); });
    double largest = 0.0;
    for (auto const& each : gradients)
        for (double const value : each) largest = std::max(largest, std::abs(value));
    CHECK(largest > 0.02);
}

TEST_CASE("every parameter follows the optimizer of its group") {
    model_type model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{},
                        ls::parameter_groups{ls::sgd{.learning_rate = 0.5, .weight_decay = 0.1},
                                             ls::group_of<ls::bias>(ls::sgd{.learning_rate = 0.25})},
                        ls::batch_size<16>};
    auto check_step = [&](double weight_rate, double bias_rate) {
        auto const before = parameters_of(model);
        differentiate(trainer);
        auto const gradients = gradients_of(trainer);
        trainer.update();
        compare(parameters_of(model), [&](auto i, auto k) {
            double const p = before[i][k], g = gradients[i][k];
            return is_bias(i) ? p - bias_rate * g : p - weight_rate * (g + 0.1 * p);
        });
    };
    check_step(0.5, 0.25);
    // Groups keep their ratio, also across a rate of 0.
    trainer.set_learning_rate(0.0);
    check_step(0.0, 0.0);
    trainer.set_learning_rate(0.2);
    check_step(0.2, 0.1);
    trainer.optimizer().optimizer(1).learning_rate = 0.7;
    check_step(0.2, 0.7);
}

TEST_CASE("parameter groups whose first rate is 0 have no ratio to keep") {
    ls::parameter_groups frozen{ls::sgd{.learning_rate = 0.0}, ls::group_of<ls::bias>(ls::sgd{.learning_rate = 0.1})};
    CHECK(refusal([&] { frozen.set_learning_rate(0.1); }) ==
          "parameter_groups: made with a learning rate of 0, to which the groups have no ratio");
    ls::parameter_groups alone{ls::sgd{.learning_rate = 0.0}};
    alone.set_learning_rate(0.1);
    CHECK(alone.learning_rate() == 0.1);
}

TEST_CASE("an average follows the parameters, and takes their place as long as it is in use") {
    model_type model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::averaged{ls::adam{.learning_rate = 0.05}, 0.8}, ls::batch_size<16>};
    auto step = [&] { trainer.step(data().batch(0, 16)); };
    CHECK(refusal([&] { ls::averaged_weights const early{trainer}; }) ==
          "trainer: there are no averaged weights before the first step");
    step();
    values expected = parameters_of(model);
    for (int s = 0; s < 4; ++s) {
        step();
        auto const trained = parameters_of(model);
        for (std::size_t i = 0; i < expected.size(); ++i)
            for (std::size_t k = 0; k < expected[i].size(); ++k)
                expected[i][k] = 0.8 * expected[i][k] + 0.2 * trained[i][k];
    }
    auto const trained = parameters_of(model);
    auto const scores = model(data().inputs);
    {
        ls::averaged_weights const in_use{trainer};
        compare(parameters_of(model), [&](auto i, auto k) { return expected[i][k]; });
        CHECK(model(data().inputs).data()[0] != scores.data()[0]);
        CHECK(refusal(step) == "trainer: a step while the averaged weights are in place");
    }
    CHECK(parameters_of(model) == trained);
    step();
    CHECK(trainer.steps() == 6);
    CHECK(parameters_of(model) != trained);
}

TEST_CASE("set_learning_rate reaches an optimizer through what is around it") {
    model_type model{ls::seed{1}};
    ls::trainer plain{model, ls::cross_entropy{}, ls::adamw{}, ls::batch_size<4>};
    plain.set_learning_rate(0.5);
    CHECK(plain.optimizer().learning_rate == 0.5);
    ls::trainer wrapped{model, ls::cross_entropy{},
                        ls::averaged{ls::parameter_groups{ls::adamw{.learning_rate = 0.1},
                                                          ls::group_of<ls::bias>(ls::adamw{.learning_rate = 0.4})}},
                        ls::batch_size<4>};
    wrapped.set_learning_rate(0.5);
    CHECK(wrapped.optimizer().learning_rate() == 0.5);
    CHECK(wrapped.optimizer().optimizer.optimizer(1).learning_rate == doctest::Approx(2.0));
}

TEST_CASE("a training goes on from a checkpoint with all that its optimizer keeps") {
    auto name = (std::filesystem::temp_directory_path() / "lockstep-checkpoint-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    std::string const path = name + "/model.safetensors";
    ls::averaged const optimizer{
        ls::parameter_groups{ls::amsgrad{.learning_rate = 0.1}, ls::group_of<ls::bias>(ls::amsgrad{.learning_rate = 0.2})},
        0.9};
    auto steps = [](auto& trainer, int count) {
        for (int s = 0; s < count; ++s) trainer.step(data().batch(s % 3, 13));
    };
    model_type model{ls::seed{1}}, resumed{ls::seed{2}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, ls::clip_norm{0.5}};
    steps(trainer, 6);
    ls::save_checkpoint(path, trainer, 2);
    auto const file = ls::safetensors_file::read(path);
    for (char const* state : {"average", "mean", "square", "largest_square"})
        CHECK(file.find("optimizer." + std::string(state) + ".0.weight") != nullptr);

    ls::trainer other{resumed, ls::cross_entropy{}, optimizer, ls::batch_size<16>, ls::clip_norm{0.5}};
    steps(other, 1);
    CHECK(ls::load_checkpoint(path, other).epoch == 2);
    CHECK(outcome_of(other) == outcome_of(trainer));
    steps(trainer, 6);
    steps(other, 6);
    CHECK(outcome_of(other) == outcome_of(trainer));
    std::filesystem::remove_all(name);
}

TEST_CASE("a training that starts anew does not see what its optimizer kept") {
    model_type first{ls::seed{1}};
    auto const start = parameters_of(first);
    auto train_twice = [&](auto const& optimizer) {
        model_type model{ls::seed{3}};
        ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>};
        auto run = [&] {
            for (int i = 0; i < model.parameter_count(); ++i) model.set_parameter(i, start[i]);
            trainer.resume(0, 0);
            for (int s = 0; s < 3; ++s) trainer.step(data().batch(0, 16));
            return outcome_of(trainer);
        };
        auto const fresh = run();
        CHECK(run() == fresh);
    };
    train_twice(ls::sgd{.learning_rate = 0.1, .momentum = 0.9});
    train_twice(ls::averaged{ls::amsgrad{}, 0.9});
    train_twice(ls::rmsprop{.momentum = 0.5, .centered = true});
    train_twice(ls::adagrad{.initial_sum = 0.1});
    train_twice(ls::lion{});
}
