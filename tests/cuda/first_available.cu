// SPDX-License-Identifier: MIT
// The first of several lists that this machine has, with all of them compiled by nvcc: where there is no device, that
// is a host.
#include <lockstep/cuda.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace ls = lockstep;
namespace gpu = lockstep::gpu;

namespace {

/// LeNet in small, with both kinds of pooling: nvcc compiles a host's kernels of images, too.
using net = ls::sequential<ls::shape<1, 8, 8>,                                            //
                           ls::conv2d<4, 3, ls::padding<1>>, ls::relu, ls::max_pool2d<2>, //
                           ls::conv2d<8, 3, ls::padding<1>>, ls::relu, ls::avg_pool2d<2>, //
                           ls::flatten, ls::linear<8>, ls::relu, ls::linear<2>>;

/// The loss after some steps on the exclusive or of an image's two halves, from before the last one.
template <class Devices>
double loss_on() {
    ls::parallel<net, Devices> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<4>};
    std::array<float, 4 * 64> inputs{};
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        std::size_t const image = i / 64;
        inputs[i] = (i % 8 < 4 ? image / 2 : image % 2) == 1 ? 1.0f : 0.0f;
    }
    std::array<std::int32_t, 4> const targets{0, 1, 1, 0};
    for (int i = 0; i < 400; ++i) trainer.step(ls::batch_view<float, net::input_shape>{{inputs.data(), 4}, targets});
    return trainer.loss();
}

} // namespace

TEST_CASE("the first devices that are there train a model, a host where there are none") {
    int const count = gpu::find_devices().count;
    double loss = 1.0;
    bool is_host = false;
    ls::first_available<ls::cuda_devices<4>, ls::cuda_devices<1>, ls::cpu_devices<1>>([&]<class Devices>(Devices) {
        is_host = std::is_same_v<Devices, ls::cpu_devices<1>>;
        CHECK(Devices::replicas == (count >= 4 ? 4 : 1));
        loss = loss_on<Devices>();
    });
    CHECK(is_host == (count == 0));
    CHECK(loss < 0.1);
}

TEST_CASE("a list that is not there is a usage_error that says what is") {
    if (gpu::find_devices().count >= 64) return;
    std::string text;
    try {
        ls::first_available<ls::cuda_devices<64>>([](auto) { FAIL("expected no 64 devices"); });
    } catch (ls::usage_error const& problem) {
        text = problem.what();
    }
    CHECK(text.starts_with("first_available: cuda_devices<64>: expected 64 CUDA devices, found "));
}
