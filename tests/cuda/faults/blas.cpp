// SPDX-License-Identifier: MIT
#include "blas.hpp"
#include "runtime.hpp"

#include <lockstep/tensor/bf16.hpp>
#include <lockstep/tensor/half.hpp>

#include <cstring>
#include <string>

fake_blas blas_library;

/// A handle knows its device.
struct cublasLtContext {
    int device;
};

namespace {

// What lies in the opaque descriptions.
struct operation {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    cublasOperation_t a, b;
    std::uint32_t epilogue;
    void* vector;

    bool adds() const { return (epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }
    bool takes_maximum() const { return (epilogue & CUBLASLT_EPILOGUE_RELU) != 0; }
    bool sums_a() const { return epilogue == CUBLASLT_EPILOGUE_BGRADA; }
    bool has_vector() const { return adds() || sums_a(); }
};
struct layout {
    cudaDataType_t type;
    std::uint64_t rows, columns;
    std::int64_t column_step, place_step;
    std::int32_t places;
};
struct preference {
    std::uint64_t workspace_bytes;
    std::uint32_t reduction_schemes, alignment[4];
};
constexpr std::uint64_t chosen = 0x105e9;

template <class Content, class Opaque>
Content content_of(Opaque const* opaque) {
    static_assert(sizeof(Content) <= sizeof(Opaque));
    Content content;
    std::memcpy(&content, opaque, sizeof content);
    return content;
}
template <class Opaque, class Content>
void put(Opaque* opaque, Content const& content) {
    std::memcpy(opaque, &content, sizeof content);
}
template <class T>
bool take(T& value, void const* from, std::size_t bytes) {
    if (bytes != sizeof value) return false;
    std::memcpy(&value, from, bytes);
    return true;
}

/// What cuBLASLt adds up for results of a type.
cudaDataType_t sum_type(cudaDataType_t result) { return result == CUDA_R_64F ? CUDA_R_64F : CUDA_R_32F; }

/// Whether operands of a type may have results of another one.
bool is_result_of(cudaDataType_t operands, cudaDataType_t result) {
    bool const is_rounded = operands == CUDA_R_16BF || operands == CUDA_R_16F;
    return operands == result || (is_rounded && result == CUDA_R_32F);
}

/// Whether it is an epilogue that is known here.
bool is_known(operation const& o, layout const& d) {
    switch (o.epilogue) {
    case CUBLASLT_EPILOGUE_DEFAULT:
    case CUBLASLT_EPILOGUE_RELU: return true;
    case CUBLASLT_EPILOGUE_BIAS:
    case CUBLASLT_EPILOGUE_RELU_BIAS:
    case CUBLASLT_EPILOGUE_BGRADA:
        return d.places == 1 && o.vector != nullptr && reinterpret_cast<std::uintptr_t>(o.vector) % 16 == 0;
    default: return false;
    }
}

/// D = op(A) op(B), all column-major: whether the extents and types fit.
bool fit(operation const& o, layout const& a, layout const& b, layout const& d) {
    auto const rows = [](layout const& l, cublasOperation_t op) { return op == CUBLAS_OP_N ? l.rows : l.columns; };
    auto const columns = [](layout const& l, cublasOperation_t op) { return op == CUBLAS_OP_N ? l.columns : l.rows; };
    auto const dense = [](layout const& l) {
        return l.rows > 0 && l.columns > 0 && l.column_step >= static_cast<std::int64_t>(l.rows);
    };
    return dense(a) && dense(b) && dense(d) && rows(a, o.a) == d.rows && columns(b, o.b) == d.columns &&
           columns(a, o.a) == rows(b, o.b) && a.places == d.places && b.places == d.places && a.type == b.type &&
           is_result_of(a.type, d.type) && o.scale == sum_type(d.type) && is_known(o, d);
}

/// The vector has an element for each row of D, of D's type.
template <class Sum, class T, class R>
void multiply(operation const& o, T const* a, layout const& la, T const* b, layout const& lb, R* d, layout const& ld) {
    auto const depth = o.a == CUBLAS_OP_N ? la.columns : la.rows;
    auto const at = [](T const* matrix, layout const& l, cublasOperation_t op, std::uint64_t row,
                       std::uint64_t column) {
        return op == CUBLAS_OP_N ? matrix[row + column * static_cast<std::uint64_t>(l.column_step)]
                                 : matrix[column + row * static_cast<std::uint64_t>(l.column_step)];
    };
    auto* const vector = static_cast<R*>(o.vector);
    for (std::uint64_t row = 0; o.sums_a() && row < ld.rows; ++row) {
        Sum sum = 0;
        for (std::uint64_t k = 0; k < depth; ++k) sum += at(a, la, o.a, row, k);
        vector[row] = sum;
    }
    for (int place = 0; place < ld.places; ++place)
        for (std::uint64_t column = 0; column < ld.columns; ++column)
            for (std::uint64_t row = 0; row < ld.rows; ++row) {
                Sum sum = 0;
                for (std::uint64_t k = 0; k < depth; ++k)
                    sum += at(a + place * la.place_step, la, o.a, row, k) *
                           at(b + place * lb.place_step, lb, o.b, k, column);
                if (o.adds()) sum += vector[row];
                if (o.takes_maximum() && sum < 0) sum = 0;
                d[static_cast<std::uint64_t>(place * ld.place_step) + row +
                  column * static_cast<std::uint64_t>(ld.column_step)] = sum;
            }
}

/// Of a call that a header of cuBLASLt's makes, what it makes it for.
std::string public_name(std::string const& call) { return call.substr(0, call.find("_internal")); }

} // namespace

#define ENTER()                                                                                                        \
    if (runtime.fails(public_name(__func__).c_str())) return blas_library.status

extern "C" {

char const* cublasLtGetStatusName(cublasStatus_t status) {
    return status == CUBLAS_STATUS_INTERNAL_ERROR ? "CUBLAS_STATUS_INTERNAL_ERROR" : "CUBLAS_STATUS_OTHER";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    ENTER();
    ++runtime.alive["blas"];
    *handle = new cublasLtContext{runtime.current};
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
    --runtime.alive["blas"];
    delete handle;
    ENTER();
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t to, std::size_t bytes, cublasComputeType_t compute,
                                               cudaDataType_t scale) {
    ENTER();
    if (bytes != sizeof *to) return CUBLAS_STATUS_ALLOC_FAILED;
    put(to, operation{compute, scale, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, nullptr});
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t to, cublasLtMatmulDescAttributes_t which,
                                              void const* value, std::size_t bytes) {
    ENTER();
    auto content = content_of<operation>(to);
    bool const known = which == CUBLASLT_MATMUL_DESC_TRANSA         ? take(content.a, value, bytes)
                       : which == CUBLASLT_MATMUL_DESC_TRANSB       ? take(content.b, value, bytes)
                       : which == CUBLASLT_MATMUL_DESC_EPILOGUE     ? take(content.epilogue, value, bytes)
                       : which == CUBLASLT_MATMUL_DESC_BIAS_POINTER ? take(content.vector, value, bytes)
                                                                    : false;
    put(to, content);
    return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t to, std::size_t bytes, cudaDataType type,
                                                 std::uint64_t rows, std::uint64_t columns, std::int64_t column_step) {
    ENTER();
    if (bytes != sizeof *to) return CUBLAS_STATUS_ALLOC_FAILED;
    put(to, layout{type, rows, columns, column_step, 0, 1});
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t to, cublasLtMatrixLayoutAttribute_t which,
                                                void const* value, std::size_t bytes) {
    ENTER();
    auto content = content_of<layout>(to);
    bool const known = which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT            ? take(content.places, value, bytes)
                       : which == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET ? take(content.place_step, value, bytes)
                                                                              : false;
    put(to, content);
    return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t to, std::size_t bytes) {
    ENTER();
    if (bytes != sizeof *to) return CUBLAS_STATUS_ALLOC_FAILED;
    put(to, preference{0, CUBLASLT_REDUCTION_SCHEME_MASK, {256, 256, 256, 256}});
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t to,
                                                    cublasLtMatmulPreferenceAttributes_t which, void const* value,
                                                    std::size_t bytes) {
    ENTER();
    auto content = content_of<preference>(to);
    bool known = false;
    switch (which) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: known = take(content.workspace_bytes, value, bytes); break;
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: known = take(content.reduction_schemes, value, bytes); break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: known = take(content.alignment[0], value, bytes); break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES: known = take(content.alignment[1], value, bytes); break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES: known = take(content.alignment[2], value, bytes); break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES: known = take(content.alignment[3], value, bytes); break;
    default: break;
    }
    put(to, content);
    return known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t wanted, int most,
                                              cublasLtMatmulHeuristicResult_t* found, int* count) {
    ENTER();
    if (handle->device != runtime.current || c != d || most != 1) return CUBLAS_STATUS_INVALID_VALUE;
    if (!fit(content_of<operation>(o), content_of<layout>(a), content_of<layout>(b), content_of<layout>(d)))
        return CUBLAS_STATUS_INVALID_VALUE;
    auto const content = content_of<preference>(wanted);
    auto const what = content_of<operation>(o);
    auto const address = what.has_vector() ? reinterpret_cast<std::uintptr_t>(what.vector) : 0;
    blas_library.compute = what.compute;
    blas_library.epilogue = what.epilogue;
    blas_library.vector_alignment = address & ~(address - 1);
    blas_library.workspace_bytes = content.workspace_bytes;
    blas_library.reduction_schemes = content.reduction_schemes;
    std::memcpy(blas_library.alignment, content.alignment, sizeof content.alignment);
    found->algo.data[0] = chosen;
    found->state = CUBLAS_STATUS_SUCCESS;
    bool const is_plain = what.epilogue == CUBLASLT_EPILOGUE_DEFAULT;
    *count = (is_plain ? blas_library.finds : blas_library.finds_with_epilogue) ? 1 : 0;
    return is_plain ? blas_library.answer : blas_library.answer_with_epilogue;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t o, void const* alpha, void const* a,
                              cublasLtMatrixLayout_t la, void const* b, cublasLtMatrixLayout_t lb, void const* beta,
                              void const* c, cublasLtMatrixLayout_t lc, void* d, cublasLtMatrixLayout_t ld,
                              cublasLtMatmulAlgo_t const* algorithm, void* workspace, std::size_t workspace_bytes,
                              cudaStream_t) {
    ENTER();
    auto const what = content_of<operation>(o);
    auto const to = content_of<layout>(ld);
    bool const sound = handle->device == runtime.current && algorithm->data[0] == chosen && c == d && lc == ld &&
                       fit(what, content_of<layout>(la), content_of<layout>(lb), to) &&
                       reinterpret_cast<std::uintptr_t>(workspace) % 256 == 0 &&
                       workspace_bytes >= blas_library.workspace_bytes &&
                       runtime.capture_mode == cudaStreamCaptureModeRelaxed;
    if (!sound) return CUBLAS_STATUS_INVALID_VALUE;
    auto const run = [&]<class Sum, class T, class R>(Sum, T, R) {
        if (*static_cast<Sum const*>(alpha) != 1 || *static_cast<Sum const*>(beta) != 0) return CUBLAS_STATUS_NOT_SUPPORTED;
        if (blas_library.multiplies)
            multiply<Sum>(what, static_cast<T const*>(a), content_of<layout>(la), static_cast<T const*>(b),
                          content_of<layout>(lb), static_cast<R*>(d), to);
        return CUBLAS_STATUS_SUCCESS;
    };
    using lockstep::bf16, lockstep::half;
    if (content_of<layout>(la).type == CUDA_R_16BF)
        return to.type == CUDA_R_16BF ? run(float{}, bf16{}, bf16{}) : run(float{}, bf16{}, float{});
    if (content_of<layout>(la).type == CUDA_R_16F)
        return to.type == CUDA_R_16F ? run(float{}, half{}, half{}) : run(float{}, half{}, float{});
    return to.type == CUDA_R_32F ? run(float{}, float{}, float{}) : run(double{}, double{}, double{});
}

} // extern "C"
