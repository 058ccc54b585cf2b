// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

/// What this machine can do at most, as rows of the same run: multiply-adds of a core, and copies.
namespace bench {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

/// Independent multiply-adds, enough of them to hide their latency (4 cycles, 2 a cycle) and few enough to
/// stay in registers. Its items are floating point operations.
inline void fma_peak(benchmark::State& state) {
    using vector [[gnu::vector_size(vector_bytes)]] = float;
    constexpr int chains = 12;
    constexpr int rounds = 4096;
    std::array<vector, chains> sums{};
    vector factor = vector{} + 0.999f;
    vector term = vector{} + 0.001f;
    for (auto _ : state) {
        benchmark::DoNotOptimize(factor);
        benchmark::DoNotOptimize(term);
        std::array<vector, chains> local = sums;
        for (int i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
            for (int c = 0; c < chains; ++c) local[c] = local[c] * factor + term;
        }
        sums = local;
        benchmark::DoNotOptimize(sums);
    }
    std::int64_t const lanes = vector_bytes / static_cast<std::int64_t>(sizeof(float));
    state.SetItemsProcessed(state.iterations() * 2 * lanes * chains * rounds);
}

/// memcpy of range(0) bytes; bytes read and written both count.
inline void copy(benchmark::State& state) {
    auto const bytes = static_cast<std::size_t>(state.range(0));
    std::vector<char> source(bytes, 1);
    std::vector<char> target(bytes, 2);
    for (auto _ : state) {
        std::memcpy(target.data(), source.data(), bytes);
        benchmark::DoNotOptimize(target.data());
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(2 * state.iterations() * state.range(0));
}

/// `fma_peak/threads:T` (all T at once), `copy/bytes/threads:T` within L2 and in memory.
inline void add_machine_rows() {
    for (int const threads : {1, 2}) {
        benchmark::RegisterBenchmark("fma_peak", fma_peak)->UseRealTime()->Threads(threads);
        auto* rows = benchmark::RegisterBenchmark("copy", copy)->UseRealTime()->Threads(threads);
        rows->ArgName("bytes")->Arg(256 << 10)->Arg(256 << 20);
    }
}

} // namespace bench
