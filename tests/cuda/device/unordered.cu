// SPDX-License-Identifier: MIT
// NCCL's sums, on as many devices as there are: an all-reduce of one or two, and training on two, beside the fixed order.
#include <lockstep/device/cuda/nccl.hpp>

#if LOCKSTEP_WITH_NCCL

#include <lockstep/cuda.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace {

namespace ls = lockstep;
namespace gpu = lockstep::gpu;

using net = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::linear<4>>;

template <class... Policies>
std::vector<float> trained() {
    ls::parallel<net, ls::cuda_devices<2>, ls::reproducible<4>, Policies...> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{.learning_rate = 0.01}, ls::batch_size<16>, ls::clip_norm{0.5}};
    ls::tensor<float, ls::shape<6>> inputs(16);
    std::vector<std::int32_t> targets(16);
    for (std::int64_t i = 0; i < 16 * 6; ++i) inputs.data()[i] = static_cast<float>(i * 37 % 101) / 101.0f;
    for (std::size_t i = 0; i < 16; ++i) targets[i] = static_cast<std::int32_t>(i % 4);
    for (int step = 0; step < 20; ++step) trainer.step({inputs.view(), targets});
    return {model.parameters(), model.parameters() + model.parameter_elements()};
}

/// Device d holds d + 1, d + 2, ...
void check_sum(std::span<int const> devices) {
    constexpr int count = 1000;
    gpu::communicators all(devices);
    std::vector<gpu::stream> streams;
    std::vector<gpu::platform::memory> memory;
    gpu::pinned_memory given(count * sizeof(float));
    std::vector<gpu::stream const*> order;
    std::vector<float*> places;
    for (int d : devices) streams.emplace_back(d);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        memory.emplace_back(devices[i], given.bytes());
        for (int k = 0; k < count; ++k) given.as<float>()[static_cast<std::size_t>(k)] = static_cast<float>(devices[i] + 1 + k);
        gpu::platform::copy(streams[i], memory[i].data(), given.data(), given.bytes());
        streams[i].synchronize();
        order.push_back(&streams[i]);
        places.push_back(reinterpret_cast<float*>(memory[i].data()));
    }
    all.all_reduce<float>(order, places, count);
    for (std::size_t i = 0; i < devices.size(); ++i) {
        gpu::platform::copy(streams[i], given.data(), memory[i].data(), given.bytes());
        all.synchronize(streams[i]);
        bool equal = true;
        for (int k = 0; k < count; ++k) {
            float expected = 0;
            for (int d : devices) expected += static_cast<float>(d + 1 + k);
            equal = equal && given.as<float>()[static_cast<std::size_t>(k)] == expected;
        }
        CHECK(equal);
    }
}

} // namespace

TEST_CASE("NCCL adds what lies on devices") {
    check_sum(std::array{0});
    if (gpu::find_devices().count >= 2) check_sum(std::array{1, 0});
    else MESSAGE("one device: nothing is added between two");
}

TEST_CASE("training whose gradients NCCL adds is training in the fixed order, but for rounding") {
    if (gpu::find_devices().count < 2) {
        MESSAGE("skipped: expected 2 devices, found 1");
        return;
    }
    auto const found = trained<ls::unordered>(), expected = trained<>();
    float largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) largest = std::max(largest, std::abs(found[i] - expected[i]));
    CHECK(largest < 1e-4f);
    CHECK(std::isfinite(found.front()));
}

#endif
