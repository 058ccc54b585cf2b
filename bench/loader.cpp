// SPDX-License-Identifier: MIT
// Samples a second of the loader, shuffled, with 0, 1 and 2 workers, beside what bounds it: a loop that makes
// normalized numbers of bytes, one sample after another, and a copy of the bytes. Nobody reads the batches.
//     raw/<data>/copy, raw/<data>/convert, lockstep/<data>/plain/<workers>, lockstep/<data>/augmented/<workers>
#include <lockstep/error.hpp>
#include <lockstep/loader/fashion_mnist.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/pixel_dataset.hpp>
#include <lockstep/loader/read_ahead.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/random_crop.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr int batch_size = 64;
constexpr float mean = 0.286F, deviation = 0.353F;

/// Images of CIFAR's size, as many as CIFAR has, of bytes that look like noise.
class cifar_like {
public:
    using sample_shape = ls::shape<3, 32, 32>;
    using element = std::uint8_t;

    cifar_like() : pixels_(std::make_shared<std::vector<std::uint8_t>>(size() * sample_shape::size)) {
        std::uint32_t state = 1;
        for (auto& pixel : *pixels_) pixel = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    }

    std::int64_t size() const { return 50'000; }
    std::uint8_t const* pixels(std::int64_t index) const { return pixels_->data() + index * sample_shape::size; }
    std::int32_t read(std::int64_t index, std::span<std::uint8_t> input) const {
        std::copy_n(pixels(index), sample_shape::size, input.begin());
        return static_cast<std::int32_t>(index % 10);
    }
    std::span<std::uint8_t const> lend(std::int64_t index, std::span<std::int32_t> targets) const {
        targets.front() = static_cast<std::int32_t>(index % 10);
        return {pixels(index), static_cast<std::size_t>(sample_shape::size)};
    }
    void expect(std::int64_t index) const { ls::detail::read_ahead(pixels(index), sample_shape::size); }

private:
    std::shared_ptr<std::vector<std::uint8_t>> pixels_;
};

/// An epoch in the data's own order, a batch's memory over and over: each(bytes of a sample, where it goes).
template <class Element, class Data, class Each>
void raw_epochs(benchmark::State& state, Data const& data, Each each) {
    constexpr auto size = Data::sample_shape::size;
    std::vector<Element> slot(static_cast<std::size_t>(batch_size * size));
    for (auto _ : state)
        for (std::int64_t i = 0; i < data.size(); ++i) {
            std::int32_t target;
            each(data.lend(i, {&target, 1}).data(), slot.data() + i % batch_size * size);
            benchmark::DoNotOptimize(slot.data());
            benchmark::ClobberMemory();
        }
    state.SetItemsProcessed(state.iterations() * data.size());
}

template <std::int64_t Size>
void convert(std::uint8_t const* __restrict from, float* __restrict to) {
    for (std::int64_t i = 0; i < Size; ++i) to[i] = (static_cast<float>(from[i]) * (1 / 255.0F) - mean) / deviation;
}

void epochs(benchmark::State& state, auto loader) {
    for (auto _ : state)
        for (auto const& batch : loader) benchmark::DoNotOptimize(batch.inputs.data());
    state.SetItemsProcessed(state.iterations() * loader.samples());
}

template <class Data>
void add(std::string const& name, Data const& data) {
    auto const row = [](std::string const& what, auto run) {
        benchmark::RegisterBenchmark(what.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
    };
    constexpr auto size = Data::sample_shape::size;
    row("raw/" + name + "/copy", [data](benchmark::State& state) {
        raw_epochs<std::uint8_t>(
            state, data, [](std::uint8_t const* from, std::uint8_t* to) { std::memcpy(to, from, size); });
    });
    row("raw/" + name + "/convert",
        [data](benchmark::State& state) { raw_epochs<float>(state, data, convert<size>); });
    for (int const threads : {0, 1, 2}) {
        auto const with_workers = "/workers:" + std::to_string(threads);
        ls::normalize const scale{mean, deviation};
        row("lockstep/" + name + "/plain" + with_workers, [=](benchmark::State& state) {
            epochs(state, data | ls::shuffle(ls::seed{1}) | ls::map(scale) | ls::batch<batch_size> |
                              ls::workers(threads));
        });
        row("lockstep/" + name + "/augmented" + with_workers, [=](benchmark::State& state) {
            epochs(state, data | ls::shuffle(ls::seed{1}) |
                              ls::map(ls::seed{1}, ls::random_crop<4>{}, ls::horizontal_flip{}, scale) |
                              ls::batch<batch_size> | ls::workers(threads));
        });
    }
}

} // namespace

int main(int argc, char** argv) try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    add("fashion_mnist", ls::pixels(ls::fashion_mnist(ls::split::train)));
    add("cifar", cifar_like{});
    benchmark::RunSpecifiedBenchmarks();
} catch (ls::error const& error) {
    std::fprintf(stderr, "loader: %s\n", error.what());
    return 1;
}
