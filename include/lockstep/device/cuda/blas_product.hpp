// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/cuda/blas.hpp>
#include <lockstep/device/cuda/relaxed_capture.hpp>
#include <lockstep/device/cuda/stream.hpp>
#include <lockstep/device/grid/alignment.hpp>
#include <lockstep/device/grid/dense_product.hpp>
#include <lockstep/device/grid/follower.hpp>
#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/half.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace lockstep::gpu {

/// Bytes that a product may use beside its operands and its result: what cuBLAS takes for the largest devices.
inline constexpr std::int64_t blas_workspace_bytes = 32 << 20;

/// The bytes of which the addresses of operands are multiples.
struct product_alignment {
    std::uint32_t left = grid::largest_alignment, right = grid::largest_alignment;
};

/// The types of operands and results that products of cuBLASLt have here: all the same, or operands that were rounded,
/// whose product is summed as float and may be rounded again.
template <class Left, class Right, class Result>
inline constexpr bool are_multiplied = false;
template <>
inline constexpr bool are_multiplied<float, float, float> = true;
template <>
inline constexpr bool are_multiplied<double, double, double> = true;
template <>
inline constexpr bool are_multiplied<bf16, bf16, float> = true;
template <>
inline constexpr bool are_multiplied<bf16, bf16, bf16> = true;
template <>
inline constexpr bool are_multiplied<half, half, float> = true;
template <>
inline constexpr bool are_multiplied<half, half, half> = true;

/// cuBLASLt's name of a type, and ours in errors.
template <class T>
inline constexpr cudaDataType_t blas_type = CUDA_R_32F;
template <>
inline constexpr cudaDataType_t blas_type<double> = CUDA_R_64F;
template <>
inline constexpr cudaDataType_t blas_type<bf16> = CUDA_R_16BF;
template <>
inline constexpr cudaDataType_t blas_type<half> = CUDA_R_16F;
template <class T>
inline constexpr char const* blas_type_name = "float ";
template <>
inline constexpr char const* blas_type_name<double> = "double ";
template <>
inline constexpr char const* blas_type_name<bf16> = "bf16 ";
template <>
inline constexpr char const* blas_type_name<half> = "half ";

/// What cuBLASLt makes of a follower within its call; DEFAULT: nothing. A product's columns are the rows of cuBLASLt's
/// result, whose A, our right operand, it sums along what the product sums.
constexpr cublasLtEpilogue_t epilogue_of(grid::follower_kind follower) {
    switch (follower) {
    case grid::follower_kind::bias: return CUBLASLT_EPILOGUE_BIAS;
    case grid::follower_kind::bias_relu: return CUBLASLT_EPILOGUE_RELU_BIAS;
    case grid::follower_kind::relu: return CUBLASLT_EPILOGUE_RELU;
    case grid::follower_kind::column_sums: return CUBLASLT_EPILOGUE_BGRADA;
    default: return CUBLASLT_EPILOGUE_DEFAULT;
    }
}

/// One product as cuBLASLt computes it, and what follows it: described, and with the algorithm that its heuristic has
/// chosen. What it chooses by is given here, and the order of additions is fixed: sums that are cut into parts are put
/// together in a pass of their own, in the parts' order.
template <class T, class R = T>
class blas_product {
    static_assert(are_multiplied<T, T, R>);
    using computed = std::conditional_t<std::same_as<T, double>, double, float>;

public:
    /// Throws cublas_error where a call fails. That there is no algorithm is none: exists() says it.
    blas_product(std::shared_ptr<blas const> library, grid::dense_product const& p, product_alignment alignment,
                 bool tf32, grid::follower_kind follower = grid::follower_kind::none)
        : library_(std::move(library)), name_(name_of(p, follower)), epilogue_(epilogue_of(follower)) {
        describe(p, tf32);
        choose(alignment);
    }
    // cuBLASLt knows descriptions by their places.
    blas_product(blas_product const&) = delete;
    blas_product& operator=(blas_product const&) = delete;

    bool exists() const { return exists_; }

    /// In the order of a stream of the device, which may be captured. `workspace`: of blas_workspace_bytes, at a
    /// multiple of 256 bytes. `vector`: what a follower adds, or where its sums go, stored as the result is, at a multiple
    /// of largest_alignment. No memory of the device is allocated.
    void launch(stream const& s, T const* left, T const* right, R* result, void* workspace, void const* vector = nullptr) {
        computed const one = 1, zero = 0;
        if (has_vector()) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector);
        device_guard const guard(s.device(), name_);
        relaxed_capture const relaxed(s.device(), name_);
        // What the result was is not read where its factor is 0.
        constexpr auto workspace_bytes = static_cast<std::size_t>(blas_workspace_bytes);
        ask(cublasLtMatmul(library_->handle(), &operation_, &one, right, &right_, left, &left_, &zero, result, &result_,
                           result, &result_, &found_.algo, workspace, workspace_bytes, s.handle()),
            "cublasLtMatmul");
    }

private:
    static char const* name_of(grid::follower_kind follower) {
        switch (follower) {
        case grid::follower_kind::bias: return ", with a bias";
        case grid::follower_kind::bias_relu: return ", with a bias and relu";
        case grid::follower_kind::relu: return ", with relu";
        case grid::follower_kind::column_sums: return ", with the latter's sums";
        default: return "";
        }
    }
    static std::string name_of(grid::dense_product const& p, grid::follower_kind follower) {
        auto const matrix = [](std::int64_t rows, std::int64_t columns, bool turned) {
            return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]" + (turned ? "^T" : "");
        };
        return std::string("product of ") + blas_type_name<T> +
               (p.places > 1 ? std::to_string(p.places) + " times " : std::string()) +
               (p.left_transposed ? matrix(p.depth, p.rows, true) : matrix(p.rows, p.depth, false)) + " and " +
               (p.right_transposed ? matrix(p.columns, p.depth, true) : matrix(p.depth, p.columns, false)) +
               name_of(follower);
    }

    void ask(cublasStatus_t status, char const* call) const { check(status, call, library_->device(), name_); }

    /// cuBLASLt's matrices are column-major, as which ours are their transposes: it computes right^T left^T, which is
    /// the transpose of the result, and its first operand is our right one.
    void describe(grid::dense_product const& p, bool tf32) {
        cublasComputeType_t const compute = std::same_as<T, double> ? CUBLAS_COMPUTE_64F
                                            : tf32 && std::same_as<T, float> ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                    : CUBLAS_COMPUTE_32F;
        ask(cublasLtMatmulDescInit(&operation_, compute, blas_type<computed>), "cublasLtMatmulDescInit");
        set_transposed(CUBLASLT_MATMUL_DESC_TRANSA, p.right_transposed);
        set_transposed(CUBLASLT_MATMUL_DESC_TRANSB, p.left_transposed);
        lay_out(right_, blas_type<T>, p.right_columns(), p.right_transposed ? p.columns : p.depth, p.places, p.right_step);
        lay_out(left_, blas_type<T>, p.left_columns(), p.left_transposed ? p.depth : p.rows, p.places, p.left_step);
        lay_out(result_, blas_type<R>, p.columns, p.rows, p.places, p.result_step());
        if (epilogue_ == CUBLASLT_EPILOGUE_DEFAULT) return;
        set(CUBLASLT_MATMUL_DESC_EPILOGUE, static_cast<std::uint32_t>(epilogue_));
        // The heuristic takes from an address only what it is a multiple of. Where vectors lie must not change what it finds.
        if (has_vector())
            set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, reinterpret_cast<void const*>(std::uintptr_t{grid::largest_alignment}));
    }
    bool has_vector() const { return epilogue_ != CUBLASLT_EPILOGUE_DEFAULT && epilogue_ != CUBLASLT_EPILOGUE_RELU; }
    template <class Value>
    void set(cublasLtMatmulDescAttributes_t which, Value value) {
        ask(cublasLtMatmulDescSetAttribute(&operation_, which, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
    }
    void set_transposed(cublasLtMatmulDescAttributes_t which, bool transposed) {
        set(which, transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    }
    /// Of a row-major matrix that has so many columns and rows.
    void lay_out(cublasLtMatrixLayoutOpaque_t& layout, cudaDataType_t element, std::int64_t columns, std::int64_t rows,
                 std::int64_t places, std::int64_t step) {
        ask(cublasLtMatrixLayoutInit(&layout, element, static_cast<std::uint64_t>(columns),
                                     static_cast<std::uint64_t>(rows), columns),
            "cublasLtMatrixLayoutInit");
        if (places == 1) return;
        auto const set = [&](cublasLtMatrixLayoutAttribute_t which, auto value) {
            ask(cublasLtMatrixLayoutSetAttribute(&layout, which, &value, sizeof value),
                "cublasLtMatrixLayoutSetAttribute");
        };
        set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<std::int32_t>(places));
        set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, step);
    }

    void choose(product_alignment alignment) {
        cublasLtMatmulPreferenceOpaque_t wanted;
        ask(cublasLtMatmulPreferenceInit(&wanted), "cublasLtMatmulPreferenceInit");
        auto const prefer = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
            ask(cublasLtMatmulPreferenceSetAttribute(&wanted, which, &value, sizeof value),
                "cublasLtMatmulPreferenceSetAttribute");
        };
        constexpr std::uint32_t ordered = CUBLASLT_REDUCTION_SCHEME_MASK & ~CUBLASLT_REDUCTION_SCHEME_INPLACE;
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(blas_workspace_bytes));
        prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, ordered);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment.right);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment.left);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, grid::largest_alignment);
        prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, grid::largest_alignment);
        int count = 0;
        device_guard const guard(library_->device(), name_);
        relaxed_capture const relaxed(library_->device(), name_);
        cublasStatus_t const status =
            cublasLtMatmulAlgoGetHeuristic(library_->handle(), &operation_, &right_, &left_, &result_, &result_,
                                           &wanted, 1, &found_, &count);
        // A combination that it does not know is a wrong argument to it, too.
        bool const refuses = status == CUBLAS_STATUS_NOT_SUPPORTED ||
                             (status == CUBLAS_STATUS_INVALID_VALUE && epilogue_ != CUBLASLT_EPILOGUE_DEFAULT);
        if (!refuses) ask(status, "cublasLtMatmulAlgoGetHeuristic");
        exists_ = status == CUBLAS_STATUS_SUCCESS && count == 1 && found_.state == CUBLAS_STATUS_SUCCESS;
    }

    std::shared_ptr<blas const> library_;
    std::string name_;
    cublasLtEpilogue_t epilogue_;
    cublasLtMatmulDescOpaque_t operation_;
    cublasLtMatrixLayoutOpaque_t left_, right_, result_;
    cublasLtMatmulHeuristicResult_t found_{};
    bool exists_ = false;
};

} // namespace lockstep::gpu
