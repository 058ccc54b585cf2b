// SPDX-License-Identifier: MIT
#pragma once

#include "../models.hpp"
#include "samples.hpp"

#include <lockstep/lockstep.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

namespace bench {

/// A row `step/<model>/batch:<samples>`: as many training steps as there are iterations, one after the other, waited
/// for once in the end. Each takes a batch from the host's memory. Items are the plan's arithmetic operations, bytes
/// what it counts as read and written. `warm_up`: steps before, after which the loss must have fallen.
template <class Devices, class Net, int Batch, class... Policies>
void step(benchmark::State& state, int warm_up) {
    ls::parallel<Net, Devices, Policies...> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = learning_rate, .momentum = momentum},
                        ls::batch_size<Batch>};
    samples<typename Net::input_shape, typename Net::output_shape, Batch> data;

    double const first = trainer.step(data.next());
    for (int i = 0; i < warm_up; ++i) trainer.step(data.next());
    if (!(trainer.loss() < first)) return state.SkipWithError("the loss does not fall");

    while (state.KeepRunningBatch(state.max_iterations)) {
        for (std::int64_t i = 0; i < static_cast<std::int64_t>(state.max_iterations); ++i) trainer.step(data.next());
        benchmark::DoNotOptimize(trainer.loss());
    }
    auto const steps = static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(steps * trainer.training_plan.flops()));
    state.SetBytesProcessed(static_cast<std::int64_t>(steps * trainer.training_plan.moved_bytes()));
}

template <class Devices, class Net, int Batch, class... Policies>
void add_step(std::string const& model, int steps, int warm_up) {
    std::string const name = "step/" + model + "/batch:" + std::to_string(Batch);
    benchmark::RegisterBenchmark(name.c_str(), step<Devices, Net, Batch, Policies...>, warm_up)
        ->Iterations(steps)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
}

} // namespace bench
