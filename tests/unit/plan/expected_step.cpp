// SPDX-License-Identifier: MIT
// A step in expected times: everything happens, in the order that the schedule has, and takes as long as it must.
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/sequential.hpp>
#include <lockstep/plan/expected_step.hpp>
#include <lockstep/plan/simulate.hpp>
#include <lockstep/program/build.hpp>
#include <lockstep/program/planning_only.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace {

namespace ls = lockstep;

template <class... Norm>
using net = ls::sequential<ls::shape<64>, ls::linear<256>, ls::batch_norm<Norm...>, ls::tanh, ls::linear<4>>;
template <class Model>
struct training {
    static constexpr ls::program build() {
        return ls::training_program<Model, ls::cross_entropy, ls::planning_only<float>>();
    }
};
struct inference {
    static constexpr ls::program build() { return ls::inference_program<net<>, ls::planning_only<float>>(); }
};
template <class Model, ls::plan_settings Settings>
constexpr ls::plan const& plan_with = ls::static_plan<training<Model>, Settings>::value;

constexpr ls::plan_settings alone{.batch = 64, .buckets = ls::bucket_bytes<1024>};
constexpr ls::plan_settings two{.replicas = 2, .shards = 4, .batch = 64, .buckets = ls::bucket_bytes<1024>};
constexpr ls::plan_settings normed{
    .replicas = 3, .shards = 3, .batch = 64, .buckets = ls::bucket_bytes<1024>, .needs_norm = true};
constexpr ls::plan_settings apart{
    .replicas = 2, .shards = 2, .batch = 64, .buckets = ls::bucket_bytes<1024>, .across_processes = true};
constexpr ls::plan_settings owners{.replicas = 2, .shards = 2, .batch = 64, .buckets = ls::bucket_bytes<1024>,
                                   .needs_norm = true, .across_processes = true, .sharded_optimizer = true};

std::vector<ls::plan> const& all_plans() {
    static std::vector<ls::plan> const all{plan_with<net<>, alone>,
                                           plan_with<net<>, two>,
                                           plan_with<net<>, normed>,
                                           plan_with<net<>, apart>,
                                           plan_with<net<>, owners>,
                                           plan_with<net<ls::synchronized>, two>,
                                           plan_with<net<ls::synchronized>, owners>};
    return all;
}

using interval = ls::expected_interval;

/// What one replica's thread does, or one of its streams.
std::vector<interval> of(ls::expected_step const& step, int replica) {
    std::vector<interval> found;
    for (interval const& i : step.intervals)
        if (i.replica == replica) found.push_back(i);
    return found;
}

/// A machine whose reductions and operations run at the same time.
constexpr ls::topology overlapping = [] {
    ls::topology t = ls::cpu_host;
    t.device.reduction_share = 0.25;
    return t;
}();

} // namespace

TEST_CASE("every operation of every shard is called once, in order, with its tail") {
    for (ls::plan const& p : all_plans()) {
        ls::expected_step const step = ls::expect_step(p);
        int const shards = p.settings.shards / p.settings.replicas;
        bool const meets = p.shards_advance_together();
        for (int r = 0; r < p.settings.replicas; ++r)
            for (int s = 0; s < shards; ++s) {
                int next = 0;
                for (interval const& i : of(step, r)) {
                    if (i.kind != interval::operation || i.shard != s) continue;
                    // Those where shards meet are commands of their own.
                    while (meets && p.operations[static_cast<std::size_t>(next)].facts.is_collective) ++next;
                    CHECK(i.number == next);
                    next = i.number + 1 + p.operations[static_cast<std::size_t>(i.number)].has_tail;
                }
                CHECK(next == static_cast<int>(p.operations.size()));
            }
    }
}

TEST_CASE("every bucket is updated by each replica, after the last of its uses in all of them") {
    for (ls::plan const& p : all_plans())
        for (ls::topology const& t : {ls::cpu_host, overlapping}) {
            ls::expected_step const step = ls::expect_step(p, t);
            for (int b = 0; b < static_cast<int>(p.buckets.size()); ++b) {
                ls::bucket const& bucket = p.buckets[static_cast<std::size_t>(b)];
                double complete = 0.0;
                for (interval const& i : step.intervals)
                    if (i.kind == interval::operation && i.number <= bucket.complete_after())
                        complete = std::max(complete, i.end);
                int updates = 0;
                for (interval const& i : step.intervals) {
                    bool const is_update = i.by.kind == ls::command_kind::update ||
                                           i.by.kind == ls::command_kind::reduce_and_update;
                    if (i.kind != interval::work || !is_update || i.by.index != b) continue;
                    ++updates;
                    CHECK(i.begin >= complete);
                    CHECK(i.end <= step.end);
                }
                // A slice may have no elements, and takes no time then.
                int slices = 0;
                for (int r = 0; r < p.settings.replicas; ++r) {
                    ls::bucket_slice const own = ls::slice_of(bucket, r, p.settings.replicas);
                    slices += own.end > own.begin;
                }
                CHECK(updates == slices);
            }
        }
}

TEST_CASE("a thread does one thing at a time; streams of their own overlap") {
    bool overlap = false;
    for (ls::plan const& p : all_plans())
        for (int r = 0; r < p.settings.replicas; ++r) {
            double free = 0.0;
            std::vector<interval> thread = of(ls::expect_step(p), r);
            std::ranges::sort(thread, {}, [](interval const& i) { return std::pair{i.begin, i.end}; });
            for (interval const& i : thread) {
                CHECK(i.begin >= free - 1e-9);
                CHECK(i.end >= i.begin);
                free = std::max(free, i.end);
            }
            std::vector<interval> const streams = of(ls::expect_step(p, overlapping), r);
            for (interval const& i : streams)
                for (interval const& k : streams)
                    overlap = overlap || (i.in_update_stream && !k.in_update_stream && i.kind == interval::work &&
                                          k.kind == interval::operation && i.begin < k.end && k.begin < i.end);
        }
    CHECK(overlap);
}

TEST_CASE("exchanges travel one after the other, and what they bring is used afterwards") {
    for (ls::plan const& p : all_plans()) {
        double free = 0.0;
        int count = 0;
        ls::expected_step const step = ls::expect_step(p);
        for (interval const& i : step.intervals) {
            if (i.kind != interval::exchange) continue;
            ++count;
            CHECK(i.begin >= free);
            CHECK(i.end > i.begin);
            free = i.end;
            ls::exchange const& e = p.steps.exchanges[static_cast<std::size_t>(i.by.index)];
            for (interval const& k : step.intervals) {
                bool const reads = (e.kind == ls::exchange_kind::scatter && k.by.kind == ls::command_kind::combine) ||
                                   (e.kind == ls::exchange_kind::gather && k.by.kind == ls::command_kind::update);
                if (k.kind == interval::work && reads && k.by.index == e.index) CHECK(k.begin >= i.end);
            }
        }
        CHECK(count == static_cast<int>(p.steps.exchanges.size()));
    }
    // More processes send more messages.
    ls::plan const& many = plan_with<net<>, apart>;
    CHECK(ls::expect_step(many, ls::cpu_host, 16).end > ls::expect_step(many, ls::cpu_host, 2).end);
}

TEST_CASE("one replica's passes take what a simulation predicts") {
    ls::plan const& p = plan_with<net<>, alone>;
    for (ls::topology const& t : {ls::cpu_host, ls::h100_nvlink}) {
        double sum = 0.0;
        for (interval const& i : ls::expect_step(p, t).intervals)
            if (i.kind == interval::operation) sum += i.end - i.begin;
        CHECK(sum == doctest::Approx(ls::simulate(p, t, 1).compute));
    }
}

TEST_CASE("equal replicas find a bucket complete at the same time") {
    ls::plan const& p = plan_with<net<>, two>;
    ls::expected_step const step = ls::expect_step(p);
    // Until then nothing tells them apart: from there on their slices may.
    std::vector<double> times;
    for (ls::expected_arrival const& a : step.arrivals)
        if (a.event == step.arrivals.front().event) times.push_back(a.time);
    REQUIRE(times.size() == 2);
    CHECK(times[0] == times[1]);
    std::vector<double> first_updates;
    for (interval const& i : step.intervals)
        if (i.by.kind == ls::command_kind::reduce_and_update && i.by.index == 0) first_updates.push_back(i.begin);
    REQUIRE(first_updates.size() == 2);
    CHECK(first_updates[0] == first_updates[1]);
}

TEST_CASE("a plan without a schedule is no step") {
    ls::plan const& inferred = ls::static_plan<inference, ls::plan_settings{}>::value;
    CHECK_THROWS_WITH_AS(ls::expect_step(inferred),
                         "expect_step: expected the plan of a training step, found one without a schedule",
                         ls::usage_error);
}
