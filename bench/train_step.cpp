// SPDX-License-Identifier: MIT
// lockstep's training step.
#include "batches.hpp"
#include "models.hpp"
#include "nets.hpp"

#include <lockstep/lockstep.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace ls = lockstep;

namespace {

template <class Case, int Batch, int Replicas>
void train_step(benchmark::State& state) {
    using model_type = typename bench::net<Case>::type;
    using input = typename model_type::input_shape;
    static_assert(input::size == bench::input_size<Case>());
    static_assert(model_type::output_shape::size == bench::classes<Case>());

    ls::parallel<model_type, ls::cpu_devices<Replicas>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{},
                        ls::sgd{.learning_rate = bench::learning_rate, .momentum = bench::momentum},
                        ls::batch_size<Batch>};
    auto data = bench::make_batches<Case>(Batch);
    auto const step = [&](int i) {
        return trainer.step(ls::batch_view<float, input>{{data.inputs(i).data(), Batch}, data.targets(i)});
    };

    auto const first = step(0);
    for (int i = 0; i < 50; ++i) step(data.next());
    if (!(step(0) < first)) return state.SkipWithError("the loss does not fall");

    for (auto _ : state) benchmark::DoNotOptimize(step(data.next()));
    // The items are floating point operations.
    state.SetItemsProcessed(static_cast<std::int64_t>(bench::step_flops<Case>(Batch)) * state.iterations());
}

template <class Case, int Batch, int Replicas>
void add_row() {
    auto const name = "train_step/" + std::string(Case::name) + "/batch:" + std::to_string(Batch)
                    + "/replicas:" + std::to_string(Replicas);
    benchmark::RegisterBenchmark(name.c_str(), train_step<Case, Batch, Replicas>)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
}

template <class Case, std::size_t Index = 0>
void add_rows() {
    add_row<Case, Case::batches[Index], 1>();
    add_row<Case, Case::batches[Index], 2>();
    if constexpr (Index + 1 < Case::batches.size()) add_rows<Case, Index + 1>();
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    add_rows<bench::tiny>();
    add_rows<bench::small>();
    add_rows<bench::big>();
    add_rows<bench::lenet>();
    benchmark::RunSpecifiedBenchmarks();
}
