// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <models/resnet.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

template <class Model>
void learns_by_heart() {
    tests::images<typename Model::input_shape> const data(16, 10);
    ls::parallel<Model, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.05, .momentum = 0.9},
                        ls::batch_size<16>};
    auto const [first, last] = tests::train(trainer, data.batch(), 20);
    CHECK(first > 1.5);
    CHECK(last < 0.2);
}

template <class Model>
std::vector<std::string> names_of() {
    std::vector<std::string> names;
    for (int i = 0; i < Model::parameter_count(); ++i) names.push_back(Model::parameter_name(i));
    return names;
}

} // namespace

TEST_CASE("a ResNet-18 learns its samples by heart") { learns_by_heart<models::cifar_resnet18<10, 8>>(); }
TEST_CASE("a ResNet-34 learns its samples by heart") { learns_by_heart<models::cifar_resnet34<10, 8>>(); }

TEST_CASE("a ResNet-18 has torchvision's names and first values") {
    using model_type = ls::parallel<models::cifar_resnet18<10, 8>, ls::cpu_devices<2>>;
    std::vector<std::string> const names = names_of<model_type>();
    // 20 convolutions, as many normalizations of four tensors each, and the last layer's two.
    CHECK(names.size() == 20 + 20 * 4 + 2);
    for (char const* name : {"conv1.weight", "bn1.weight", "bn1.running_var", "layer1.0.conv1.weight",
                             "layer1.1.bn2.bias", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_mean",
                             "layer4.1.conv2.weight", "fc.weight", "fc.bias"}) {
        CAPTURE(name);
        CHECK(std::ranges::count(names, name) == 1);
    }
    // Kaiming's normal distribution of the fan out: 64 channels of 3 x 3 pixels.
    model_type const model{ls::seed{1}};
    auto const at = std::ranges::find(names, "layer4.1.conv2.weight") - names.begin();
    double square = 0.0;
    std::vector<float> const weight = model.parameter(static_cast<int>(at));
    for (float const value : weight) square += double{value} * value;
    double const deviation = std::sqrt(square / static_cast<double>(weight.size()));
    CHECK(deviation == doctest::Approx(std::sqrt(2.0 / 576.0)).epsilon(0.02));
}
