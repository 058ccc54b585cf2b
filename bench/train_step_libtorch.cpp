// SPDX-License-Identifier: MIT
// libtorch's training step, written as its documentation does. OPENBLAS_NUM_THREADS is read by OpenBLAS alone,
// so compare.sh runs this with and without it.
#include "batches.hpp"
#include "models.hpp"

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

void add_activation(torch::nn::Sequential& net, bench::activation kind) {
    if (kind == bench::activation::tanh) net->push_back(torch::nn::Tanh());
    else net->push_back(torch::nn::ReLU());
}

template <class Case>
torch::nn::Sequential make_net() {
    torch::nn::Sequential net;
    if constexpr (bench::is_convolutional<Case>) {
        for (std::size_t i = 0; i + 1 < Case::channels.size(); ++i) {
            auto options = torch::nn::Conv2dOptions(Case::channels[i], Case::channels[i + 1], Case::window);
            net->push_back(torch::nn::Conv2d(options.padding(Case::padding)));
            add_activation(net, Case::between);
            net->push_back(torch::nn::MaxPool2d(Case::pool));
        }
        net->push_back(torch::nn::Flatten());
    }
    for (std::size_t i = 0; i + 1 < Case::widths.size(); ++i) {
        if (i > 0) add_activation(net, Case::between);
        net->push_back(torch::nn::Linear(Case::widths[i], Case::widths[i + 1]));
    }
    return net;
}

struct torch_batch {
    torch::Tensor inputs;
    torch::Tensor targets;
};

template <class Case>
std::vector<torch_batch> make_torch_batches(int batch, torch::MemoryFormat format) {
    auto const data = bench::make_batches<Case>(batch);
    std::vector<torch_batch> result;
    for (int i = 0; i < data.count(); ++i) {
        auto inputs = torch::empty({batch, bench::input_size<Case>()});
        std::ranges::copy(data.inputs(i), inputs.template data_ptr<float>());
        if constexpr (bench::is_convolutional<Case>)
            inputs = inputs.view({batch, Case::channels[0], Case::image, Case::image}).contiguous(format);
        auto targets = torch::empty({batch}, torch::kInt64);
        std::ranges::copy(data.targets(i), targets.template data_ptr<std::int64_t>());
        result.push_back({inputs, targets});
    }
    return result;
}

template <class Case>
void train_step(benchmark::State& state, int batch, int threads, torch::MemoryFormat format) {
    torch::set_num_threads(threads);
    torch::manual_seed(1);
    auto net = make_net<Case>();
    auto parameters = net->parameters();
    for (auto& parameter : parameters)
        if (parameter.dim() == 4) parameter.set_data(parameter.detach().contiguous(format));
    torch::optim::SGD sgd(parameters, torch::optim::SGDOptions(bench::learning_rate).momentum(bench::momentum));
    auto const data = make_torch_batches<Case>(batch, format);
    auto const step = [&](torch_batch const& b) {
        for (auto& parameter : parameters) parameter.mutable_grad().reset(); // zero_grad(set_to_none=True)
        auto loss = torch::nn::functional::cross_entropy(net->forward(b.inputs), b.targets);
        loss.backward();
        sgd.step();
        return loss;
    };

    float const first = step(data[0]).template item<float>();
    for (int i = 0; i < 50; ++i) step(data[i % data.size()]);
    float const last = step(data[0]).template item<float>();
    if (!(last < first)) return state.SkipWithError("the loss does not fall");

    std::size_t next = 0;
    for (auto _ : state) {
        step(data[next]);
        next = next + 1 == data.size() ? 0 : next + 1;
    }
    // The items are floating point operations.
    state.SetItemsProcessed(static_cast<std::int64_t>(bench::step_flops<Case>(batch)) * state.iterations());
}

template <class Case>
void add_rows() {
    for (int const batch : Case::batches)
        for (int const threads : {1, 2})
            for (auto const format : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
                bool const channels_last = format == torch::MemoryFormat::ChannelsLast;
                if (channels_last && !bench::is_convolutional<Case>) continue;
                auto const name = "train_step/" + std::string(Case::name) + "/batch:" + std::to_string(batch)
                                + (channels_last ? "/layout:channels_last" : "")
                                + "/threads:" + std::to_string(threads);
                benchmark::RegisterBenchmark(name.c_str(), train_step<Case>, batch, threads, format)
                    ->UseRealTime()
                    ->Unit(benchmark::kMicrosecond);
            }
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
