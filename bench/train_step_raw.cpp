// SPDX-License-Identifier: MIT
// The training steps written by hand for exactly these models, over the library calls that lockstep makes
// too. Rows: `calls:` which library multiplies, `replicas:2` the batch in two halves on two threads,
// `threads:2` one thread whose library calls use two.
#include "batches.hpp"
#include "fma_peak.hpp"
#include "models.hpp"
#include "raw/lenet.hpp"
#include "raw/mlp.hpp"
#include "raw/reference.hpp"
#include "raw/trainer.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace {

/// Two steps on four samples, against the reference.
template <class Case, class Model>
bool agrees_with_reference(int replicas, int call_threads) {
    auto const data = bench::batches(bench::input_size<Case>(), bench::classes<Case>(), 4);
    static auto const expected = raw::reference_training::run<Case>(data, 2);
    raw::trainer<Model> trainer(data.batch(), bench::input_size<Case>(), replicas, call_threads);
    auto parameters = raw::initial_parameters<Case>();
    auto velocity = parameters;
    trainer.set_parameters(parameters);
    for (int i = 0; i < 2; ++i) trainer.step(data.inputs(i).data(), data.targets(i).data());
    trainer.get(parameters, velocity);
    return raw::difference(expected.velocity, velocity) < 1e-4
        && raw::difference(expected.parameters, parameters) < 1e-6;
}

template <class Case, class Model>
void train_step(benchmark::State& state, int batch, int replicas, int call_threads) {
    if (!agrees_with_reference<Case, Model>(replicas, call_threads))
        return state.SkipWithError("differs from the reference");

    auto data = bench::make_batches<Case>(batch);
    raw::trainer<Model> trainer(batch, bench::input_size<Case>(), replicas, call_threads);
    trainer.set_parameters(raw::initial_parameters<Case>());
    auto const step = [&](int i) { return trainer.step(data.inputs(i).data(), data.targets(i).data()); };
    double const first = step(0);
    for (int i = 0; i < 50; ++i) step(data.next());
    if (!(step(0) < first)) return state.SkipWithError("the loss does not fall");

    for (auto _ : state) benchmark::DoNotOptimize(step(data.next()));
    // The items are floating point operations.
    state.SetItemsProcessed(static_cast<std::int64_t>(bench::step_flops<Case>(batch)) * state.iterations());
}

template <class Case, class Model>
void add_rows(std::string const& calls) {
    for (int const batch : Case::batches) {
        auto const add = [&](std::string const& spread, int replicas, int call_threads) {
            auto const name = "train_step/" + std::string(Case::name) + "/batch:" + std::to_string(batch)
                            + "/calls:" + calls + spread;
            benchmark::RegisterBenchmark(name.c_str(), train_step<Case, Model>, batch, replicas, call_threads)
                ->UseRealTime()
                ->Unit(benchmark::kMicrosecond);
        };
        add("/replicas:1", 1, 1);
        add("/replicas:2", 2, 1);
        add("/threads:2", 1, 2);
    }
}

template <class Gemm>
void add_rows_of() {
    add_rows<bench::tiny, raw::mlp<bench::tiny, Gemm>>(Gemm::name);
    add_rows<bench::small, raw::mlp<bench::small, Gemm>>(Gemm::name);
    add_rows<bench::big, raw::mlp<bench::big, Gemm>>(Gemm::name);
    std::string const name = Gemm::name;
    add_rows<bench::lenet, raw::lenet<Gemm, raw::activations::channels_last>>(name + "/layout:channels_last");
    add_rows<bench::lenet, raw::lenet<Gemm, raw::activations::blocked>>(name + "/layout:blocked");
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    bench::add_machine_rows();
    add_rows_of<raw::onednn>();
    add_rows_of<raw::openblas>();
    benchmark::RunSpecifiedBenchmarks();
}
