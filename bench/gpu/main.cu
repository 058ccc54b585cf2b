// SPDX-License-Identifier: MIT
// lockstep's training step on a GPU, beside what the GPU can do at most. bench/gpu.sh sets peers beside it. With --tf32
// large products are computed in TF32.
#include "rows.hpp"

#include <lockstep/device/cuda/blas.hpp>
#include <lockstep/device/cuda/device.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <string_view>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    bool const tf32 = argc == 2 && std::string_view(argv[1]) == "--tf32";
    if (!tf32 && benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    lockstep::gpu::allow_tf32(tf32);
    // ctest's sign of what was skipped, as of the tests.
    constexpr int skipped = 77;
    lockstep::gpu::devices_found const found = lockstep::gpu::find_devices();
    if (found.count == 0) {
        std::fprintf(stderr, "skipped: %s\n", found.reason.c_str());
        return skipped;
    }
    bench::add_limits();
    bench::add_small_models();
    bench::add_resnet();
    bench::add_gpt();
    try {
        benchmark::RunSpecifiedBenchmarks();
        return 0;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
}
