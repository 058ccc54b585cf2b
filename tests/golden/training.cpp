// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

/// Ten steps on two replicas. What rounding does grows with the steps, so float has a bound of its own.
template <class T, class Library>
void compare_training(ls::safetensors_file const& file, double training_bound) {
    using net = sequential<shape<8>, ls::linear<16>, ls::relu, ls::linear<4>>;
    ls::parallel<net, ls::cpu_devices<2, Library>, ls::element<T>> model{ls::seed{1}};
    for (int i = 0; i < model.parameter_count(); ++i)
        model.set_parameter(i, converted<T>(file.as<double>("before." + model.parameter_name(i))));
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05, .momentum = 0.9},
                        ls::batch_size<8>};
    auto const inputs = converted<T>(file.as<double>("inputs"));
    auto const classes = file.as<std::int64_t>("targets");
    std::vector<std::int32_t> const targets(classes.begin(), classes.end());
    std::vector<T> losses;
    for (std::size_t step = 0; step < 10; ++step) {
        ls::tensor_view<T const, shape<8>> const samples(inputs.data() + step * 64, 8);
        losses.push_back(static_cast<T>(trainer.step(
            ls::batch_view<T, shape<8>>{samples, std::span<std::int32_t const>(targets).subspan(step * 8, 8)})));
    }
    CHECK(relative_error(losses, file.as<double>("losses")) <= training_bound);
    for (int i = 0; i < model.parameter_count(); ++i) {
        INFO(model.parameter_name(i));
        CHECK(relative_error(model.parameter(i), file.as<double>("after." + model.parameter_name(i))) <= training_bound);
    }
}

void training_mlp(ls::safetensors_file const& file) {
    compare_training<double, ls::host::portable>(file, 1e-10);
    compare_training<float, ls::host::default_library>(file, 1e-5);
}

constexpr reference_case cases[] = {
    {"training_mlp", training_mlp},
};

} // namespace

tests::case_table tests::training_cases() { return cases; }
