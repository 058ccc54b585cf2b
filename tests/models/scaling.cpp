// SPDX-License-Identifier: MIT
// What the cost models predict for large nets, against what was published, and against docs/scaling.md.
#include <scaling.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace {

namespace ls = lockstep;

std::int64_t trained_parameters(ls::plan const& p) {
    std::int64_t sum = 0;
    for (ls::program_parameter const& each : p.parameters)
        if (each.declared.is_trained()) sum += each.declared.shape.size();
    return sum;
}

ls::predicted_step ddp_step(ls::plan const& plan, int devices, ls::bucket_bounds bounds = ls::ddp_buckets) {
    return scaling::ddp_step(plan, devices, bounds, {.copies_gradients = true});
}

} // namespace

TEST_CASE("the plans are those of the nets") {
    CHECK(trained_parameters(scaling::plan_of<scaling::resnet50, 64>) == 25'557'032);
    CHECK(trained_parameters(scaling::plan_of<scaling::resnet101, 32>) == 44'549'160);
    // GPT-2's 124,439,808 and a head of its own, without the bias of torch's Linear.
    CHECK(trained_parameters(scaling::plan_of<scaling::gpt2, 8>) == 124'439'808 + 50257 * 768);
    // 4.1 billion multiply-adds an image, of which the first layer needs two thirds, the others three times as many.
    CHECK(scaling::plan_of<scaling::resnet50, 64>.flops() / 64 == doctest::Approx(3 * 2 * 4.1e9).epsilon(0.03));
}

TEST_CASE("steps of PyTorch's DistributedDataParallel take as long as was measured") {
    for (scaling::measured_step const& m : scaling::measured_steps) {
        CAPTURE(m.name);
        CAPTURE(m.devices);
        double const error = m.predicted() / m.milliseconds - 1.0;
        // The V100's arithmetic was chosen for the very first of these steps. ResNet-101 has seen nothing before: its
        // arithmetic and memory are in another proportion. Of ResNet-50's 7 ms that DDP costs, 3 are known: a step
        // of two GPUs of one node already takes 103 ms, whatever there is to reduce.
        bool const fitted = m.milliseconds == 97;
        bool const unseen = &m.plan == &scaling::plan_of<scaling::resnet101, 32>;
        CHECK(std::abs(error) <= (fitted ? 0.01 : unseen ? 0.08 : 0.05));
    }
}

TEST_CASE("data parallel training of ResNet-50 on 8 and 16 V100 is as efficient as was measured, to 5 points") {
    for (int devices : {8, 16}) {
        ls::predicted_step const step = ddp_step(scaling::plan_of<scaling::resnet50, 32>, devices);
        CHECK(std::abs((step.compute + step.update) / step.total() - 97.0 / 104.0) <= 0.05);
        CHECK(step.exposed > 2000.0); // the copies and what is left of the reductions: not nothing
    }
}

TEST_CASE("1 MiB buckets are slower than 25 MiB, as was measured") {
    // Measured: 2.6% on 8 GPUs, 3.8% on 16. The model knows of latencies alone, not of what a call costs the host.
    double before = 0.0;
    for (int devices : {8, 16}) {
        ls::plan const& plan = scaling::plan_of<scaling::resnet50, 32>;
        double const slower =
            ddp_step(plan, devices, ls::bucket_bytes<(1 << 20)>).total() / ddp_step(plan, devices).total() - 1.0;
        CHECK(slower > before);
        CHECK(slower < 0.038);
        before = slower;
    }
}

TEST_CASE("overlap can make a step as much faster as was measured") {
    // 38% for ResNet-50 on 32 V100. What their network carried is not known, so the model is asked which networks give
    // that: those that are slow enough for reductions to matter, and not so slow that these are all that matters.
    double most = 0.0;
    for (double rate = 0.5; rate < 50.0; rate *= 1.1) most = std::max(most, scaling::speedup_of_overlap(rate));
    CHECK(most >= 0.38);
    CHECK(most <= 2.0 / 3.0); // a backward pass is two thirds: no more can be hidden
    CHECK(scaling::speedup_of_overlap(2.6) == doctest::Approx(0.38).epsilon(0.05));
    CHECK(scaling::speedup_of_overlap(0.1) < 0.1);
    CHECK(scaling::speedup_of_overlap(4 * 12.0) < 0.05);
}

TEST_CASE("chosen buckets are better than DDP's") {
    for (ls::topology const* t : {&ls::h100_nvlink, &ls::v100_nvlink, &ls::rtx4090_pcie})
        for (scaling::workload const* w : {&scaling::resnet50_workload, &scaling::gpt2_workload})
            for (int devices : {8, 64, 1024}) {
                scaling::comparison const c = scaling::compare(*w, *t, devices);
                CAPTURE(t->name);
                CAPTURE(w->name);
                CAPTURE(devices);
                CHECK(c.best.total() < c.ddp.total());
                CHECK(c.best_efficiency > c.efficiency_without_overlap);
                CHECK(c.best_efficiency < 1.0);
            }
}

TEST_CASE("docs/scaling.md has the tables that examples/scaling prints") {
    std::string const source = LOCKSTEP_SOURCE_DIR;
    std::ifstream file(source + "/docs/scaling.md");
    std::stringstream text;
    text << file.rdbuf();
    auto const is_documented = [&](std::string const& table) { return text.str().find(table) != std::string::npos; };
    auto const all_reduces = scaling::read_all_reduces(source + "/tests/unit/plan/all_reduce_tables.csv");
    CHECK(is_documented(scaling::error_table(all_reduces)));
    CHECK(is_documented(scaling::measured_steps_table()));
    for (ls::topology const* t : {&ls::h100_nvlink, &ls::rtx4090_pcie})
        for (scaling::workload const* w : {&scaling::resnet50_workload, &scaling::gpt2_workload})
            CHECK(is_documented(scaling::step_table(*w, *t)));
}
