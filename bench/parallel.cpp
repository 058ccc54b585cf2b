// SPDX-License-Identifier: MIT
// What a second replica gains, what equal bits cost, and what a step loses to waiting: the step of one batch of 1024.
// Run it with --benchmark_enable_random_interleaving=true --benchmark_repetitions=9 and compare medians.
#include "batches.hpp"
#include "models.hpp"
#include "nets.hpp"

#include <lockstep/lockstep.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace ls = lockstep;

namespace {

constexpr int batch = 1024;

template <class Case, int Replicas, class... Policies>
void step(benchmark::State& state) {
    using net = typename bench::net<Case>::type;
    using input = typename net::input_shape;
    ls::parallel<net, ls::cpu_devices<Replicas>, Policies...> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = bench::learning_rate, .momentum = bench::momentum},
                        ls::batch_size<batch>};
    auto data = bench::make_batches<Case>(batch);
    auto const take = [&](int i) { trainer.step(ls::batch_view<float, input>{{data.inputs(i).data(), batch}, data.targets(i)}); };
    take(0);
    auto const waited = [&] {
        double seconds = 0.0;
        for (int r = 0; r < Replicas; ++r) seconds += trainer.waited_seconds(r);
        return seconds;
    };
    double const before = waited();
    for (auto _ : state) take(data.next());
    // Seconds of waiting in each second of each replica.
    state.counters["waited"] = benchmark::Counter((waited() - before) / Replicas, benchmark::Counter::kIsRate);
}

template <class Case>
void add_rows() {
    std::string const name = std::string("step/") + Case::name;
    auto const add = [&](std::string const& row, auto* run) {
        benchmark::RegisterBenchmark((name + row).c_str(), run)->UseRealTime()->Unit(benchmark::kMillisecond);
    };
    add("/replicas:1", &step<Case, 1>);
    add("/replicas:2", &step<Case, 2>);
    add("/replicas:2/reproducible<4>", &step<Case, 2, ls::reproducible<4>>);
    add("/replicas:1/reproducible<4>", &step<Case, 1, ls::reproducible<4>>);
    add("/replicas:2/one_bucket", &step<Case, 2, ls::buckets<ls::bucket_bytes<(1 << 30)>>>);
}

} // namespace

int main(int argc, char** argv) {
    add_rows<bench::big>();
    add_rows<bench::lenet>();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
}
