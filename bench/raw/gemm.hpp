// SPDX-License-Identifier: MIT
#pragma once

#include "onednn_gemm.hpp"

#include <cblas.h>
#include <omp.h>

namespace raw {

/// As onednn.
struct openblas {
    static constexpr char const* name = "openblas";
    static void multiply(bool transpose_a, bool transpose_b, int m, int n, int k, float const* a,
                         float const* b, float* c) {
        cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                    transpose_b ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, a, transpose_a ? m : k, b,
                    transpose_b ? k : n, 0.0f, c, n);
    }
};

/// How many threads a library call made by the calling thread may use.
inline void set_call_threads(int threads) {
    omp_set_num_threads(threads);
    openblas_set_num_threads(threads);
}

} // namespace raw
