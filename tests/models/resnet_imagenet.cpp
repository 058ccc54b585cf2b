// SPDX-License-Identifier: MIT
// The large nets, as programs that nothing computes: what they are made of is known at compile time.
#include <models/resnet.hpp>

#include <lockstep/parallel/parameters.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

namespace {

namespace ls = lockstep;

struct no_kernels {
    template <class>
    static constexpr void const* kernel() {
        return nullptr;
    }
};

struct trained {
    int tensors = 0;
    std::int64_t elements = 0;
    friend bool operator==(trained const&, trained const&) = default;
};

template <class Model>
constexpr trained trained_of() {
    trained sum;
    for (ls::program_parameter const& each : ls::inference_program<Model, no_kernels>().parameters)
        if (each.declared.is_trained()) ++sum.tensors, sum.elements += each.declared.shape.size();
    return sum;
}

// What torchvision publishes.
static_assert(trained_of<models::resnet18<>>() == trained{62, 11'689'512});
static_assert(trained_of<models::resnet34<>>() == trained{110, 21'797'672});

static_assert(std::is_same_v<models::resnet18<>::output_shape, ls::shape<1000>>);
static_assert(std::is_same_v<models::resnet34<>::output_shape, ls::shape<1000>>);
static_assert(std::is_same_v<ls::sequential<ls::shape<3, 224, 224>, models::imagenet_stem<64>>::output_shape,
                             ls::shape<64, 56, 56>>);
static_assert(std::is_same_v<ls::sequential<ls::shape<64, 56, 56>, models::basic_block<128, 2>>::output_shape,
                             ls::shape<128, 28, 28>>);

} // namespace

TEST_CASE("a ResNet-34's tensors are torchvision's") {
    std::map<std::string, std::string> shapes;
    for (ls::program_parameter const& each : ls::inference_program<models::resnet34<>, no_kernels>().parameters)
        shapes[ls::name_of(each)] = to_string(ls::saved_shape_of(each));
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
