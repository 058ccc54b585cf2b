// SPDX-License-Identifier: MIT
// Every primitive as a pair: a loop by hand, or oneDNN's call, and what lockstep derives, on one thread.
#include "pair.hpp"

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace bench {

namespace {

/// The largest difference over the largest magnitude.
double difference(std::span<float const> a, std::span<float const> b) {
    if (a.size() != b.size()) return HUGE_VAL;
    double largest = 0.0, magnitude = 1e-30;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return HUGE_VAL;
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
        magnitude = std::max(magnitude, std::abs(static_cast<double>(a[i])));
    }
    return largest / magnitude;
}

void measure(benchmark::State& state, work amount, comparison const& pair, std::function<void()> const& call) {
    pair.raw();
    pair.lockstep();
    if (!(difference(pair.raw_result(), pair.lockstep_result()) < 1e-4)) return state.SkipWithError("results differ");
    for (auto _ : state) {
        call();
        benchmark::ClobberMemory();
    }
    auto const rate = [](double each) {
        return benchmark::Counter(each, benchmark::Counter::kIsIterationInvariantRate);
    };
    // Both of them always: a table has the same columns in each row.
    state.counters["bytes/s"] = rate(amount.bytes);
    state.counters["FLOP/s"] = rate(amount.flops);
}

} // namespace

void add_pair(std::string const& name, work amount, std::function<comparison()> make) {
    benchmark::RegisterBenchmark(("raw/" + name).c_str(), [=](benchmark::State& state) {
        comparison const pair = make();
        measure(state, amount, pair, pair.raw);
    })->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark(("lockstep/" + name).c_str(), [=](benchmark::State& state) {
        comparison const pair = make();
        measure(state, amount, pair, pair.lockstep);
    })->Unit(benchmark::kMicrosecond);
}

} // namespace bench

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    omp_set_num_threads(1);
    bench::add_matmul();
    bench::add_convolution();
    bench::add_pooling();
    bench::add_rows();
    bench::add_normalization();
    bench::add_attention();
    bench::add_embedding();
    bench::add_activations();
    bench::add_reductions();
    bench::add_optimizers();
    benchmark::RunSpecifiedBenchmarks();
}
