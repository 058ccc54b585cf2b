// SPDX-License-Identifier: MIT
// A GPT trained on a device: the bits do not depend on how many replicas do it, and its memory does not grow.
#include "../../grid/models.hpp"

#include <lockstep/parallel/cuda_devices.cuh>
#include <lockstep/parallel/devices.hpp>

#include <doctest/doctest.h>

#include <cstddef>

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
