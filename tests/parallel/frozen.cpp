// SPDX-License-Identifier: MIT
// Frozen layers in training: their parameters keep their bits, all others train, and files hold both.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace {

using namespace tests;
using ls::frozen;
using ls::sequential;
using ls::shape;

/// All of it is trained.
using convolution = ls::conv2d<4, 3, ls::padding<1>, ls::no_bias>;
using net = sequential<shape<2, 4, 4>, convolution, ls::batch_norm<>, ls::relu, ls::flatten, ls::linear<9>, ls::tanh,
                       ls::linear<8>, ls::tanh, ls::linear<3>>;
/// The same layers, of which the first ones and one in the middle are not.
using frozen_net = sequential<shape<2, 4, 4>, frozen<convolution, ls::batch_norm<>, ls::relu>, ls::flatten, ls::linear<9>,
                              ls::tanh, frozen<ls::linear<8>, ls::tanh>, ls::linear<3>>;

template <class Model, int Replicas, class T = float>
using model_of = ls::parallel<Model, ls::cpu_devices<Replicas>, ls::reproducible<4>, ls::element<T>>;

template <class Model>
std::vector<std::vector<typename Model::element>> parameters_of(Model const& model) {
    std::vector<std::vector<typename Model::element>> values;
    for (int i = 0; i < Model::parameter_count(); ++i) values.push_back(model.parameter(i));
    return values;
}

/// 20 steps of adamw, whose decay would change a parameter without a gradient too.
template <int Replicas>
auto trained() {
    using model_type = model_of<frozen_net, Replicas>;
    model_type model{ls::seed{3}};
    ls::adamw const optimizer{.learning_rate = 0.01, .weight_decay = 0.1};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>};
    samples<float, shape<2, 4, 4>> const data(16, 3, 11);
    auto const before = parameters_of(model);
    auto const layout = trainer.training_plan.parameters;
    std::vector<double> losses;
    for (int step = 0; step < 20; ++step) losses.push_back(trainer.step(data.batch(0, step % 3 == 2 ? 3 : 16)));
    CHECK(losses.back() < losses.front());
    auto const after = parameters_of(model);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        INFO(model_type::parameter_name(static_cast<int>(i)));
        CHECK((after[i] == before[i]) == layout[i].declared.frozen);
    }
    return after;
}

} // namespace

TEST_CASE("frozen parameters keep their bits and the others train, the same on 1, 2 and 4 replicas") {
    auto const one = trained<1>();
    CHECK(trained<2>() == one);
    CHECK(trained<4>() == one);
    int frozen_count = 0, trained_count = 0;
    for (ls::program_parameter const& each : model_of<frozen_net, 1>::layout.parameters) {
        frozen_count += each.declared.frozen;
        trained_count += each.declared.is_trained();
    }
    CHECK(frozen_count == 5);
    CHECK(trained_count == 4);
}

TEST_CASE("what is trained beside frozen layers has the gradients that it has without") {
    model_of<net, 2, double> whole{ls::seed{3}};
    model_of<frozen_net, 2, double> part{ls::seed{3}};
    REQUIRE(parameters_of(whole) == parameters_of(part));
    ls::trainer for_whole{whole, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<16>};
    ls::trainer for_part{part, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<16>};
    samples<double, shape<2, 4, 4>> const data(16, 3, 11);
    CHECK(for_whole.step(data.batch(0, 13)) == for_part.step(data.batch(0, 13)));
    auto const layout = for_part.training_plan.parameters;
    for (int i = 0; i < whole.parameter_count(); ++i) {
        INFO(whole.parameter_name(i));
        // Running statistics are not frozen.
        CHECK((whole.parameter(i) == part.parameter(i)) == !layout[static_cast<std::size_t>(i)].declared.frozen);
    }
}

TEST_CASE("a checkpoint holds frozen parameters under their names, and no value of an optimizer for them") {
    std::string const path = (std::filesystem::temp_directory_path() / "lockstep_frozen.safetensors").string();
    samples<float, shape<2, 4, 4>> const data(16, 3, 11);
    ls::sgd const optimizer{.learning_rate = 0.05, .momentum = 0.9};
    model_of<frozen_net, 2> model{ls::seed{3}}, other{ls::seed{4}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>};
    ls::trainer restored{other, ls::cross_entropy{}, optimizer, ls::batch_size<16>};
    for (int step = 0; step < 3; ++step) trainer.step(data.batch(0, 16));
    ls::save_checkpoint(path, trainer, 1);

    auto const saved = ls::safetensors_file::read(path);
    for (char const* const name : {"0.weight", "1.weight", "1.bias", "6.weight", "6.bias"}) {
        CHECK(saved.find(name) != nullptr);
        CHECK(saved.find(std::string("optimizer.momentum.") + name) == nullptr);
    }
    CHECK(saved.find("1.running_mean") != nullptr);
    CHECK(saved.find("optimizer.momentum.8.weight") != nullptr);

    CHECK(parameters_of(other) != parameters_of(model));
    ls::load_checkpoint(path, restored);
    CHECK(parameters_of(other) == parameters_of(model));
    CHECK(restored.step(data.batch(0, 13)) == trainer.step(data.batch(0, 13)));
    CHECK(parameters_of(other) == parameters_of(model));
    std::filesystem::remove(path);
}

TEST_CASE("what a model that is trained as a whole has saved is loaded into frozen layers") {
    std::string const path = (std::filesystem::temp_directory_path() / "lockstep_thawed.safetensors").string();
    samples<float, shape<2, 4, 4>> const data(16, 3, 11);
    model_of<net, 1> whole{ls::seed{3}};
    model_of<frozen_net, 2> part{ls::seed{4}};
    ls::trainer before{whole, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<16>};
    for (int step = 0; step < 3; ++step) before.step(data.batch(0, 16));
    ls::save_checkpoint(path, before, 1);

    ls::trainer after{part, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<16>};
    ls::load_checkpoint(path, after);
    CHECK(parameters_of(part) == parameters_of(whole));
    CHECK(after.steps() == before.steps());

    // What is too much is still an error: the last layer is trained in both, under another name.
    using renamed_net = sequential<shape<2, 4, 4>, frozen<convolution, ls::batch_norm<>, ls::relu>, ls::flatten,
                                   ls::linear<9>, ls::tanh, frozen<ls::linear<8>, ls::tanh>, ls::chain<ls::linear<3>>>;
    model_of<renamed_net, 1> renamed{ls::seed{5}};
    ls::trainer other{renamed, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05}, ls::batch_size<16>};
    CHECK_THROWS_AS(ls::load_checkpoint(path, other), ls::data_error);
    std::filesystem::remove(path);
}
