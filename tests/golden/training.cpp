// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/grid/step.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

/// A parameter that the loss does not depend on: its gradient is rounding alone.
struct noisy_parameter {
    std::string name;
    /// How far it may lie from the file's value.
    double reach = 0.0;
};

/// The steps of a file: losses, and what becomes of the parameters. What rounding does grows with the steps, so float
/// has a bound of its own.
template <class Net, class Devices, class T, class Optimizer>
void compare_training(ls::safetensors_file const& file, Optimizer const& optimizer, double training_bound,
                      noisy_parameter const& noisy = {}) {
    using input = typename Net::input_shape;
    ls::parallel<Net, Devices, ls::element<T>> model{ls::seed{1}};
    for (int i = 0; i < model.parameter_count(); ++i)
        if (file.find("before." + model.parameter_name(i)) != nullptr)
            model.set_parameter(i, converted<T>(file.as<double>("before." + model.parameter_name(i))));
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<8>};
    auto const inputs = converted<T>(file.as<double>("inputs"));
    auto const classes = file.as<std::int64_t>("targets");
    std::vector<std::int32_t> const targets(classes.begin(), classes.end());
    std::vector<T> losses;
    for (std::int64_t step = 0; step < file.find("targets")->shape[0]; ++step) {
        ls::tensor_view<T const, input> const samples(inputs.data() + step * 8 * input::size, 8);
        losses.push_back(static_cast<T>(trainer.step(ls::batch_view<T, input>{
            samples, std::span<std::int32_t const>(targets).subspan(static_cast<std::size_t>(step) * 8, 8)})));
    }
    CHECK(relative_error(losses, file.as<double>("losses")) <= training_bound);
    int compared = 0;
    for (int i = 0; i < model.parameter_count(); ++i) {
        std::string const name = "after." + model.parameter_name(i);
        if (file.find(name) == nullptr) continue;
        INFO(name);
        double magnitude = 0.0;
        for (double const value : file.as<double>(name)) magnitude = std::max(magnitude, std::abs(value));
        double const bound = name == noisy.name ? noisy.reach / magnitude : training_bound;
        CHECK(relative_error(model.parameter(i), file.as<double>(name)) <= bound);
        ++compared;
    }
    int in_file = 0;
    for (std::string const& name : file.names()) in_file += name.starts_with("after.");
    CHECK(compared == in_file);
}

void training_mlp(ls::safetensors_file const& file) {
    using net = sequential<shape<8>, ls::linear<16>, ls::relu, ls::linear<4>>;
    ls::sgd const optimizer{.learning_rate = 0.05, .momentum = 0.9};
    compare_training<net, devices<2, ls::host::portable>, double>(file, optimizer, 1e-10);
    compare_training<net, devices<2, ls::host::default_library>, float>(file, optimizer, 1e-5);
}

/// One replica: batch normalization takes its statistics from a shard. The file says nothing of the running ones.
///
/// It takes the convolution's bias away again, whose gradient is 0. What rounding leaves of it AdamW divides by its own
/// size: the file's bias lies 1.8e-10 from the one that decays alone, which no other rounding meets to 1e-10; in
/// float a step may go anywhere within the learning rate.
void training_cnn(ls::safetensors_file const& file) {
    using net = sequential<shape<1, 8, 8>, ls::conv2d<4, 3, ls::padding<1>>, ls::batch_norm<>, ls::relu, ls::max_pool2d<2>,
                           ls::flatten, ls::linear<3>>;
    ls::adamw const optimizer{.learning_rate = 0.01, .weight_decay = 0.05};
    compare_training<net, devices<1, ls::host::portable>, double>(file, optimizer, 1e-10, {"after.0.bias", 3e-10});
    compare_training<net, devices<1, ls::host::default_library>, float>(file, optimizer, 1e-4, {"after.0.bias", 8 * 0.01});
}

constexpr reference_case cases[] = {
    {"training_mlp", training_mlp},
    {"training_cnn", training_cnn},
};

added_cases const added(cases);

} // namespace
