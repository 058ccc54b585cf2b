// SPDX-License-Identifier: MIT
// What a device can do at most, as rows of the same run: `limit/matmul`, `limit/matmul_tf32`, `limit/matmul_bf16` and
// `limit/copy`.
#include "rows.hpp"

#include <lockstep/cuda.hpp>

#include <benchmark/benchmark.h>
#include <cublas_v2.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace bench {

namespace ls = lockstep;
namespace gpu = lockstep::gpu;

namespace {

void check(cublasStatus_t status, char const* call) {
    if (status != CUBLAS_STATUS_SUCCESS)
        throw ls::error(std::string(call) + ": expected success, found " + cublasGetStatusString(status));
}

/// As many calls as there are iterations, waited for once in the end.
template <class Call>
void run(benchmark::State& state, gpu::stream const& s, Call const& call) {
    call();
    s.synchronize();
    while (state.KeepRunningBatch(state.max_iterations)) {
        for (benchmark::IterationCount i = 0; i < state.max_iterations; ++i) call();
        s.synchronize();
    }
}

/// A matrix of n x n random numbers: of zeros, a device multiplies faster.
template <class T>
gpu::platform::memory random_matrix(gpu::stream const& s, int n) {
    std::mt19937 random(7);
    std::vector<T> rows(std::size_t{64} * static_cast<std::size_t>(n));
    for (T& value : rows) value = static_cast<float>(random()) * 0x1p-32f - 0.5f;
    std::size_t const bytes = rows.size() * sizeof(T);
    gpu::platform::memory matrix(s.device(), bytes * static_cast<std::size_t>(n / 64));
    for (std::size_t part = 0; part < static_cast<std::size_t>(n / 64); ++part)
        gpu::platform::copy(s, matrix.data() + part * bytes, reinterpret_cast<std::byte const*>(rows.data()), bytes);
    s.synchronize();
    return matrix;
}

/// cuBLAS' product of square matrices. Its items are floating point operations.
template <class T>
void matmul(benchmark::State& state, cudaDataType_t type, cublasComputeType_t compute) {
    constexpr int n = 8192;
    gpu::device_guard const guard(0);
    gpu::stream const s(0);
    gpu::platform::memory const a = random_matrix<T>(s, n), b = random_matrix<T>(s, n);
    gpu::platform::memory const c(0, std::size_t{n} * n * sizeof(T));
    cublasHandle_t handle = nullptr;
    check(cublasCreate(&handle), "cublasCreate");
    check(cublasSetStream(handle, s.handle()), "cublasSetStream");
    float const one = 1.0f, zero = 0.0f;
    run(state, s, [&] {
        check(cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, n, n, &one, a.data(), type, n, b.data(), type, n, &zero,
                           c.data(), type, n, compute, CUBLAS_GEMM_DEFAULT),
              "cublasGemmEx");
    });
    check(cublasDestroy(handle), "cublasDestroy");
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 2 * n * n * n);
}

/// Bytes read and written both count.
void copy(benchmark::State& state) {
    constexpr std::size_t bytes = std::size_t{1} << 30;
    gpu::stream const s(0);
    gpu::platform::memory const from(0, bytes), to(0, bytes);
    run(state, s, [&] { gpu::platform::copy(s, to.data(), from.data(), bytes); });
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 2 * static_cast<std::int64_t>(bytes));
}

} // namespace

void add_limits() {
    auto const settings = [](auto* row) { row->Iterations(50)->UseRealTime()->Unit(benchmark::kMicrosecond); };
    settings(benchmark::RegisterBenchmark("limit/matmul", matmul<float>, CUDA_R_32F, CUBLAS_COMPUTE_32F_PEDANTIC));
    settings(benchmark::RegisterBenchmark("limit/matmul_tf32", matmul<float>, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32));
    settings(benchmark::RegisterBenchmark("limit/matmul_bf16", matmul<ls::bf16>, CUDA_R_16BF, CUBLAS_COMPUTE_32F));
    settings(benchmark::RegisterBenchmark("limit/copy", copy));
}

} // namespace bench
