// SPDX-License-Identifier: MIT
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/plan/simulate.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

namespace ls = lockstep;

using net = ls::sequential<ls::shape<784>, ls::linear<512>, ls::relu, ls::linear<256>, ls::relu, ls::linear<10>>;

struct training {
    static constexpr ls::program build() {
        return ls::training_program<net, ls::cross_entropy, ls::planning_only<float>>();
    }
};
struct inference {
    static constexpr ls::program build() { return ls::inference_program<net, ls::planning_only<float>>(); }
};

template <int Shards = 1, class Source = training>
constexpr ls::plan const& plan_of = ls::static_plan<Source, ls::plan_settings{1, Shards, 64 * Shards, 4, ls::bucket_bytes<1>}>::value;
constexpr ls::plan const& small = plan_of<>;

/// A device for which everything can be computed by hand: an operation is its launch.
constexpr ls::topology by_hand = [] {
    ls::topology t = ls::h100_nvlink;
    t.device = {1e30, 1e30, 10.0, 0.0};
    return t;
}();

// ---- what holds for a small plan, at compile time ----

constexpr ls::predicted_step alone = ls::simulate(small, ls::h100_nvlink, 1);
constexpr ls::predicted_step eight = ls::simulate(small, ls::h100_nvlink, 8);
static_assert(alone.exposed == 0.0 && alone.reduction == 0.0);
static_assert(alone.compute == eight.compute && alone.update == eight.update);
static_assert(eight.exposed > 0.0 && eight.exposed < eight.reduction);
static_assert(eight.total() == eight.compute + eight.exposed + eight.update);
static_assert(ls::simulate(small, ls::h100_nvlink, 1024).total() > eight.total());

} // namespace

TEST_CASE("a device's operations take their launches, arithmetic or bytes") {
    auto const kernels = std::ranges::count_if(small.operations, [&](ls::operation const& op) {
        return &op == small.operations.data() || !(&op - 1)->has_tail;
    });
    CHECK(kernels < static_cast<std::ptrdiff_t>(small.operations.size()));
    CHECK(ls::simulate(small, by_hand, 1).compute == doctest::Approx(10.0 * static_cast<double>(kernels)));

    ls::topology arithmetic = by_hand;
    arithmetic.device.launch = 0.0;
    arithmetic.device.flops = 1e9;
    CHECK(ls::simulate(small, arithmetic, 1).compute == doctest::Approx(small.flops() / 1e3));

    ls::topology memory = by_hand;
    memory.device.launch = 0.0;
    memory.device.memory_bytes = 1e9;
    double bytes = 0.0;
    for (std::size_t i = 0; i < small.operations.size(); ++i) {
        bytes += static_cast<double>(small.bytes(small.operations[i], 64));
        if (small.operations[i].has_tail)
            bytes -= static_cast<double>(small.bytes_of(small.buffers[small.operations[i].result], 64));
    }
    ls::predicted_step const step = ls::simulate(small, memory, 1, {.update_bytes = 28.0});
    CHECK(step.compute == doctest::Approx(bytes / 1e3));
    CHECK(step.update == doctest::Approx(static_cast<double>(small.trained_elements) * 28.0 / 1e3));
}

TEST_CASE("buckets are reduced in order, each when it is ready and the one before is reduced") {
    std::vector<ls::bucket> const buckets(small.buckets.begin(), small.buckets.end());
    REQUIRE(buckets.size() == 6);
    // By hand: when each operation has run, and from there the reductions.
    std::vector<double> finished;
    for (std::size_t i = 0; i < small.operations.size(); ++i) {
        double const before = i == 0 ? 0.0 : finished.back();
        finished.push_back(before + (i > 0 && small.operations[i - 1].has_tail ? 0.0 : 10.0));
    }
    double reduced_at = 0.0, sum = 0.0;
    for (ls::bucket const& b : buckets) {
        double const time = ls::all_reduce_microseconds(by_hand, 16, (b.end - b.begin) * 4);
        reduced_at = std::max(reduced_at, finished[static_cast<std::size_t>(b.ready_after)]) + time;
        sum += time;
    }
    ls::predicted_step const step = ls::simulate(small, by_hand, 16);
    CHECK(step.reduction == doctest::Approx(sum));
    CHECK(step.exposed == doctest::Approx(reduced_at - finished.back()));

    ls::predicted_step const after = ls::simulate(small, by_hand, 16, {.overlap = false});
    CHECK(after.exposed == doctest::Approx(sum));
    CHECK(after.exposed > step.exposed);
}

TEST_CASE("a reduction takes its share of the device") {
    ls::detail::two_streams streams{0.25};
    streams.compute(10.0);
    CHECK(streams.now == 10.0);
    streams.reduce(8.0);         // until 18
    streams.compute(3.0);        // beside it at three quarters
    CHECK(streams.now == 14.0);
    streams.compute(5.0);        // 3 of them beside it, 2 alone
    CHECK(streams.now == 20.0);
    streams.wait();
    CHECK(streams.now == 20.0);
    streams.reduce(5.0);
    streams.reduce(5.0);
    streams.wait();
    CHECK(streams.now == 30.0);

    // Where computing and reducing take turns, everything waits.
    ls::detail::two_streams turns{1.0};
    turns.reduce(8.0);
    turns.compute(0.0);
    turns.compute(3.0);
    CHECK(turns.now == 11.0);
    ls::predicted_step const host = ls::simulate(small, ls::cpu_host, 4);
    CHECK(host.exposed == doctest::Approx(host.reduction));
}

TEST_CASE("shards that a replica computes one after another hide nothing more") {
    ls::predicted_step const one = ls::simulate(small, ls::h100_nvlink, 8);
    ls::predicted_step const four = ls::simulate(plan_of<4>, ls::h100_nvlink, 8);
    CHECK(four.compute == doctest::Approx(4.0 * one.compute));
    CHECK(four.exposed == doctest::Approx(one.exposed));
}

TEST_CASE("gradients that are copied into buckets and back cost time on one device already") {
    ls::predicted_step const step = ls::simulate(small, by_hand, 1, {.copies_gradients = true});
    CHECK(step.exposed == doctest::Approx(2 * 6 * 10.0)); // two launches for each of six gradients
}

TEST_CASE("efficiency is the part of its time that a device spends as it would alone") {
    ls::step_simulation const simulation(small, ls::h100_nvlink);
    CHECK(simulation.efficiency(1, small.buckets) == 1.0);
    CHECK(simulation.efficiency(8, small.buckets) ==
          doctest::Approx(simulation(1, small.buckets).total() / simulation(8, small.buckets).total()));
}

TEST_CASE("the best buckets are at least as good as all others") {
    for (ls::topology const* t : {&ls::h100_nvlink, &ls::v100_nvlink, &ls::rtx4090_pcie})
        for (int devices : {8, 64, 1024}) {
            ls::step_simulation const simulation(small, *t);
            auto const total = [&](ls::bucket_bounds bounds) {
                return simulation(devices, ls::join_buckets(small.buckets, bounds, 4)).total();
            };
            double const best = total(ls::best_buckets(small, *t, devices));
            CHECK(best <= total(ls::ddp_buckets));
            CHECK(best <= total(ls::bucket_bytes<(1 << 20)>));
            CHECK(best <= total(ls::bucket_bytes<1>));
        }
}

TEST_CASE("what is no training step is an error") {
    CHECK_THROWS_WITH_AS(static_cast<void>(ls::simulate(plan_of<1, inference>, ls::h100_nvlink, 8)),
                         "simulate: expected the plan of a training step, found one without a backward pass",
                         ls::usage_error);
    CHECK_THROWS_AS(static_cast<void>(ls::simulate(small, ls::cpu_host, 1000)), ls::usage_error);
}
