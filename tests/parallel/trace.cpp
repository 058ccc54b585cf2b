// SPDX-License-Identifier: MIT
// A recorded step: what every replica did, in order, as a Chrome trace.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace tests;
using net = ls::sequential<ls::shape<6>, ls::linear<40>, ls::tanh, ls::linear<4>>;

int count(std::string const& text, std::string const& what) {
    int found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
}

} // namespace

TEST_CASE("a trace shows the operations of every shard and the updates of every bucket, of the steps that were asked for") {
    ls::parallel<net, ls::cpu_devices<2>, ls::reproducible<4>, ls::buckets<ls::bucket_bytes<512>>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>, ls::record{2}};
    samples<float, ls::shape<6>> const data(16, 4, 1);
    for (int step = 0; step < 5; ++step) trainer.step(data.batch(0, 16));
    std::string const trace = trainer.trace();
    auto const& p = trainer.training_plan;
    int calls = 0;
    for (auto const& op : p.operations) calls += !op.has_tail;
    REQUIRE(p.buckets.size() > 1);
    CHECK(count(trace, "\"shard\":") == 2 * 4 * calls);
    CHECK(count(trace, "\"cat\": \"update\"") == 2 * 2 * static_cast<int>(p.buckets.size()));
    CHECK(count(trace, "reduce and update bucket 1") == 2 * 2);
    CHECK(count(trace, "\"step\": 1") > 0);
    CHECK(count(trace, "\"step\": 2") == 0);
    CHECK(count(trace, "\"name\": \"thread_name\"") == 4);
    CHECK(count(trace, "layer 2)") > 0);
    // Whoever reads it finds pairs of brackets; the names hold none.
    CHECK(count(trace, "{") == count(trace, "}"));
    CHECK(trace.starts_with("{\"displayTimeUnit\""));
    CHECK(trace.ends_with("]}\n"));
}

TEST_CASE("the seconds that replicas waited for each other are counted") {
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<16>};
    samples<float, ls::shape<6>> const data(16, 4, 1);
    // A step in which both arrive at the same moment is possible, a thousand of them are not.
    auto const waited = [&] { return trainer.waited_seconds(0) + trainer.waited_seconds(1); };
    CHECK(waited() == 0.0);
    for (int step = 0; step < 1000 && waited() == 0.0; ++step) trainer.step(data.batch(0, 16));
    CHECK(waited() > 0.0);
}
