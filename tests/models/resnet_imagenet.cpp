// SPDX-License-Identifier: MIT
// The large nets, as programs that nothing computes: what they are made of is known at compile time.
#include <models/resnet.hpp>

#include <lockstep/parallel/parameters.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

namespace {

namespace ls = lockstep;

struct trained {
    int tensors = 0;
    std::int64_t elements = 0;
    friend bool operator==(trained const&, trained const&) = default;
};

template <class Model>
constexpr trained trained_of() {
    trained sum;
    for (ls::program_parameter const& each : ls::inference_program<Model, ls::planning_only<float>>().parameters)
        if (each.declared.is_trained()) ++sum.tensors, sum.elements += each.declared.shape.size();
    return sum;
}

// What torchvision publishes.
static_assert(trained_of<models::resnet18<>>() == trained{62, 11'689'512});
static_assert(trained_of<models::resnet34<>>() == trained{110, 21'797'672});
static_assert(trained_of<models::resnet50<>>() == trained{161, 25'557'032});

static_assert(std::is_same_v<models::resnet18<>::output_shape, ls::shape<1000>>);
static_assert(std::is_same_v<models::resnet34<>::output_shape, ls::shape<1000>>);
static_assert(std::is_same_v<models::resnet50<>::output_shape, ls::shape<1000>>);
static_assert(std::is_same_v<ls::sequential<ls::shape<3, 224, 224>, models::imagenet_stem<64>>::output_shape,
                             ls::shape<64, 56, 56>>);
static_assert(std::is_same_v<ls::sequential<ls::shape<64, 56, 56>, models::basic_block<128, 2>>::output_shape,
                             ls::shape<128, 28, 28>>);

template <class Model>
std::map<std::string, std::string> shapes_of() {
    std::map<std::string, std::string> shapes;
    for (ls::program_parameter const& each : ls::inference_program<Model, ls::planning_only<float>>().parameters)
        shapes[ls::name_of(each)] = to_string(ls::saved_shape_of(each));
    return shapes;
}

} // namespace

TEST_CASE("a ResNet-34's tensors are torchvision's") {
    auto shapes = shapes_of<models::resnet34<>>();
    CHECK(shapes.size() == 110 + 2 * 36);
    CHECK(shapes["conv1.weight"] == "[64, 3, 7, 7]");
    CHECK(shapes["bn1.running_mean"] == "[64]");
    CHECK(shapes["layer1.2.conv2.weight"] == "[64, 64, 3, 3]");
    CHECK(shapes["layer2.0.conv1.weight"] == "[128, 64, 3, 3]");
    CHECK(shapes["layer3.0.downsample.0.weight"] == "[256, 128, 1, 1]");
    CHECK(shapes["layer3.5.bn2.bias"] == "[256]");
    CHECK(shapes["layer4.2.conv2.weight"] == "[512, 512, 3, 3]");
    CHECK(shapes["fc.weight"] == "[1000, 512]");
}

TEST_CASE("a ResNet-50's tensors are torchvision's") {
    auto shapes = shapes_of<models::resnet50<>>();
    CHECK(shapes.size() == 161 + 2 * 53);
    CHECK(shapes["layer1.0.conv1.weight"] == "[64, 64, 1, 1]");
    CHECK(shapes["layer1.0.downsample.0.weight"] == "[256, 64, 1, 1]");
    CHECK(shapes["layer1.1.conv1.weight"] == "[64, 256, 1, 1]");
    CHECK(shapes["layer2.0.conv2.weight"] == "[128, 128, 3, 3]");
    CHECK(shapes["layer2.0.downsample.0.weight"] == "[512, 256, 1, 1]");
    CHECK(shapes["layer3.5.conv3.weight"] == "[1024, 256, 1, 1]");
    CHECK(shapes["layer4.2.bn3.running_var"] == "[2048]");
    CHECK(shapes["fc.weight"] == "[1000, 2048]");
}
