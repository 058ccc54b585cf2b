// SPDX-License-Identifier: MIT
#pragma once

#include <cublasLt.h>

#include <cstdint>

/// A cuBLASLt of the tests' own, which multiplies in host memory. It fails where `runtime` is told to, with this
/// status.
struct fake_blas {
    cublasStatus_t status = CUBLAS_STATUS_INTERNAL_ERROR;
    /// What the heuristic answers, and whether it finds something.
    cublasStatus_t answer = CUBLAS_STATUS_SUCCESS;
    bool finds = true;
    /// The same where something follows the product.
    cublasStatus_t answer_with_epilogue = CUBLAS_STATUS_SUCCESS;
    bool finds_with_epilogue = true;
    /// Off where nobody looks at results.
    bool multiplies = true;

    /// What it was last asked for.
    cublasComputeType_t compute{};
    std::uint64_t workspace_bytes = 0;
    std::uint32_t reduction_schemes = 0;
    /// Of A, B, C and D.
    std::uint32_t alignment[4] = {};
    std::uint32_t epilogue = 0;
    /// The bytes of which the vector's address was a multiple; 0 where there was none.
    std::uintptr_t vector_alignment = 0;
};

extern fake_blas blas_library;
