// SPDX-License-Identifier: MIT
// A GPT trained on a device: the bits do not depend on how many replicas do it, and its memory does not grow.
#include "../../grid/models.hpp"

#include <lockstep/parallel/cuda_devices.cuh>
#include <lockstep/parallel/devices.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>

namespace {

using namespace tests;

using one = ls::devices<ls::cuda<0>>;
using two = ls::devices<ls::cuda<0>, ls::cuda<0>>;
using four = ls::devices<ls::cuda<0>, ls::cuda<0>, ls::cuda<0>, ls::cuda<0>>;
using four_shards = ls::reproducible<4>;

std::size_t free_memory() {
    lockstep::gpu::device_guard const guard(0);
    std::size_t free = 0, all = 0;
    lockstep::gpu::check(cudaMemGetInfo(&free, &all), "cudaMemGetInfo", 0, "free memory");
    return free;
}

} // namespace

TEST_CASE("a GPT on 1, 2 and 4 replicas of a device, also with batches that leave shards empty") {
    auto const expected = train_gpt<one, four_shards>(25);
    // Adam divides by the size of gradients that are nothing but rounding, so it is the losses that are close to a host's.
    auto const on_host = train_gpt<ls::cpu_devices<1>, four_shards>(25);
    REQUIRE(expected.losses.size() == on_host.losses.size());
    for (std::size_t step = 0; step < on_host.losses.size(); ++step)
        CHECK(expected.losses[step] == doctest::Approx(on_host.losses[step]).epsilon(1e-2));
    compare(train_gpt<one, four_shards>(25), expected);
    compare(train_gpt<two, four_shards>(25), expected);
    compare(train_gpt<four, four_shards>(25), expected);
}

TEST_CASE("a GPT whose values are stored as bf16, on one and two replicas of a device") {
    using mixed = ls::mixed_precision<ls::bf16>;
    auto const expected = train_gpt<one, four_shards, mixed>(25), exact = train_gpt<one, four_shards>(25);
    REQUIRE(expected.losses.size() == exact.losses.size());
    for (std::size_t step = 0; step < exact.losses.size(); ++step)
        CHECK(expected.losses[step] == doctest::Approx(exact.losses[step]).epsilon(5e-2));
    CHECK(expected.losses != exact.losses);
    compare(train_gpt<two, four_shards, mixed>(25), expected);
}

TEST_CASE("a net whose values are stored as half, with a loss scale that is too large at first, on one and two replicas") {
    using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::relu, ls::linear<4>>;
    auto const train_net = []<class Devices, class... Policy>(Devices, Policy...) {
        samples<float, ls::shape<6>> const data(64, 4, 7);
        ls::parallel<net, Devices, four_shards, Policy...> model{ls::seed{3}};
        auto const steps = [&](auto trainer) {
            for (int step = 0; step < 40; ++step) trainer->step(data.batch(step % 4 * 16, 16));
            outcome<float> result = outcome_of(*trainer);
            result.losses.push_back(trainer->loss());
            if constexpr (requires { trainer->skipped_updates(); }) CHECK(trainer->skipped_updates() > 2);
            return result;
        };
        constexpr ls::adam optimizer{.learning_rate = 0.01};
        if constexpr (sizeof...(Policy) == 0)
            return steps(std::make_unique<ls::trainer<decltype(model), ls::cross_entropy, ls::adam, 16>>(
                model, ls::cross_entropy{}, optimizer, ls::batch_size<16>));
        else
            return steps(std::make_unique<ls::trainer<decltype(model), ls::cross_entropy, ls::adam, 16, ls::loss_scaling>>(
                model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, ls::loss_scaling{.initial = 0x1p20}));
    };
    constexpr ls::mixed_precision<ls::half> halves;
    auto const found = train_net(one{}, halves), exact = train_net(one{});
    CHECK(found.is_finite());
    // Some of its steps were skipped.
    CHECK(found.losses[0] < exact.losses[0] + 0.3);
    compare(train_net(two{}, halves), found);
}

TEST_CASE("1,000 steps take no memory after the first ones, whatever the batches' sizes") {
    ls::parallel<gpt, one, four_shards> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, gpt_optimizer, ls::batch_size<16>, ls::clip_norm{1.0}};
    sequences const data;
    double last = 0.0;
    auto const steps = [&](int count) {
        for (int step = 0; step < count; ++step) last = trainer.step(data.first<float>(batch_counts[step % 5]));
    };
    // Each size is captured once for each of two places that a batch may have.
    steps(10);
    double const first = last;
    std::size_t const before = free_memory();
    steps(1000);
    CHECK(free_memory() >= before);
    CHECK(last < first);
    CHECK(trainer.steps() == 1010);
}
