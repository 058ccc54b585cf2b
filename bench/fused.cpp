// SPDX-License-Identifier: MIT
// Elementwise chains of 1 to 8 functions over arrays far beyond the caches, beside a copy and a triad of arrays of
// the same size: what is fused costs what its memory does.
#include "primitives/derived.hpp"

#include <lockstep/expression/elementwise.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace {

namespace ls = lockstep;

// 64 MiB each.
constexpr int samples = 16, features = 1 << 20;
constexpr std::int64_t array_bytes = std::int64_t{samples} * features * static_cast<std::int64_t>(sizeof(float));

constexpr ls::samples<struct first, ls::shape<features>> x;
constexpr ls::samples<struct second, ls::shape<features>> y;

/// Length functions one after the other: multiplications, additions and maxima in turn.
template <int Length>
constexpr auto chain() {
    if constexpr (Length == 0) return x;
    else {
        constexpr auto before = chain<Length - 1>();
        if constexpr (Length % 3 == 1) return before * y;
        else if constexpr (Length % 3 == 2) return before + ls::number<0.5>;
        else return ls::maximum(before, ls::number<-2.0>);
    }
}

/// Arrays that no cache holds any more when a loop comes back to its start.
struct arrays {
    ls::host_memory memory[3];
    arrays() {
        for (auto& each : memory) {
            each = ls::host_memory(array_bytes);
            std::ranges::fill(each.as<float>(), 1.0f);
        }
    }
    float* operator[](int index) { return memory[index].as<float>().data(); }
};

/// By the C library, which writes large arrays past the caches.
void copy(benchmark::State& state) {
    arrays of;
    for (auto _ : state) {
        std::memcpy(of[0], of[1], array_bytes);
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 2 * array_bytes);
}
/// By a loop, whose stores read what they overwrite, as all loops do.
[[gnu::optimize("no-tree-loop-distribute-patterns")]] void copy_loop(benchmark::State& state) {
    arrays of;
    float const* const from = of[1];
    float* __restrict const to = of[0];
    for (auto _ : state) {
        for (std::int64_t i = 0; i < std::int64_t{samples} * features; ++i) to[i] = from[i];
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 2 * array_bytes);
}
void triad(benchmark::State& state) {
    arrays of;
    float const *const a = of[1], *const b = of[2];
    float* __restrict const to = of[0];
    for (auto _ : state) {
        for (std::int64_t i = 0; i < std::int64_t{samples} * features; ++i) to[i] = a[i] + 0.5f * b[i];
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * 3 * array_bytes);
}

/// The chain, or the gradients with respect to both of its operands.
template <int Length, bool Backward>
void fused(benchmark::State& state) {
    using expression = std::remove_const_t<decltype(chain<Length>())>;
    using of_x = bench::gradient_with_respect_to<expression, std::remove_const_t<decltype(x)>>;
    using of_y = bench::gradient_with_respect_to<expression, std::remove_const_t<decltype(y)>>;
    bench::derived<expression, of_x, of_y> run(samples, 1);
    for (auto _ : state) {
        if constexpr (Backward) run.backward();
        else run.forward();
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * (Backward ? run.backward_bytes() : run.forward_bytes()));
}

template <int Length = 1>
void add_chains() {
    auto const add = [](char const* pass, auto* function) {
        auto const name = "fused/functions:" + std::to_string(Length) + "/" + pass;
        benchmark::RegisterBenchmark(name.c_str(), function)->Unit(benchmark::kMillisecond);
    };
    add("forward", fused<Length, false>);
    add("backward", fused<Length, true>);
    if constexpr (Length < 8) add_chains<Length + 1>();
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RegisterBenchmark("copy/memcpy", copy)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("copy/loop", copy_loop)->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("triad", triad)->Unit(benchmark::kMillisecond);
    add_chains();
    benchmark::RunSpecifiedBenchmarks();
}
