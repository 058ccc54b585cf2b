// SPDX-License-Identifier: MIT
// What cuBLASLt is asked for, and what is made of its answers, against a cuBLASLt of the tests' own.
#include "../../kernels/member_order.hpp"
#include "blas.hpp"
#include "runtime.hpp"

#include <lockstep/device/cuda/products.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using namespace grid_kernels;
namespace gpu = lockstep::gpu;
using ls::primitive::batched_matmul;
using ls::primitive::transposed;

struct fresh_libraries {
    fresh_libraries() {
        runtime = {};
        blas_library = {};
        gpu::allow_tf32(false);
    }
};

template <class T, class E, class R = T>
using library = ls::grid::library_operation<gpu::platform, T, E, R>;

alignas(256) std::byte workspace[256];

/// A call of the library on device 1; whether it has launched something.
template <class T, class E, class R = T>
bool launch(library<T, E, R>& operation, std::vector<void const*> const& operands, std::int64_t samples,
            std::vector<R>& result) {
    gpu::stream const s(1);
    result.assign(static_cast<std::size_t>(result_size<T, E>(samples)), R{});
    ls::grid::call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands);
    call.samples = samples;
    call.scratch = workspace;
    return operation.launch(s, call);
}

template <class T, class Primitive, class A, class B>
void check_product(std::int64_t samples) {
    using e = ls::compute<Primitive, A, B>;
    CAPTURE(Primitive::name);
    REQUIRE(library<T, e>::is_chosen(samples));
    auto const a = elements_of<T, A>(samples, 1), b = elements_of<T, B>(samples, 2);
    std::vector<void const*> const operands{a.data(), b.data()};
    library<T, e> operation(1, samples);
    std::vector<T> found;
    REQUIRE(launch<T, e>(operation, operands, samples, found));
    CHECK(difference(found, on_host<T, e>(operands, samples)) <=
          64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

/// 2^26 operations with 64 samples.
using x = operand<0, ls::shape<8, 256>>;
using w = operand<1, ls::shape<256, 256>, false>;
using product = ls::compute<ls::primitive::matmul, x, w>;

/// Everything that there is, once.
void use_products() {
    library<float, product> operation(1, 64);
    std::vector<float> const elements(64 * 8 * 256);
    std::vector<float> result;
    launch<float, product>(operation, {elements.data(), elements.data()}, 64, result);
    using of_samples =
        ls::compute<batched_matmul<transposed::none>, operand<0, ls::shape<256, 128>>, operand<1, ls::shape<128, 16>>>;
    library<float, of_samples> const batched(1, 64);
}

} // namespace

TEST_CASE_FIXTURE(fresh_libraries, "cuBLASLt is told which product an operation is") {
    check_product<float, ls::primitive::matmul, x, w>(64);
    check_product<double, ls::primitive::matmul, x, operand<1, ls::shape<256, 301>, false>>(64);
    check_product<float, ls::primitive::matmul_right_transposed, x, operand<1, ls::shape<301, 256>, false>>(64);
    check_product<float, ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<8, 301>>>(64);
    check_product<double, batched_matmul<transposed::none>, operand<0, ls::shape<1, 3, 60, 50>>,
                  operand<1, ls::shape<1, 3, 50, 70>>>(60);
    check_product<float, batched_matmul<transposed::left>, operand<0, ls::shape<150, 60>, false>,
                  operand<1, ls::shape<150, 70>>>(60);
    check_product<float, batched_matmul<transposed::right>, operand<0, ls::shape<60, 150>>,
                  operand<1, ls::shape<70, 150>, false>>(60);
    using pixel = ls::window<1, 1, 1, 1, 0, 0>;
    using weights = operand<1, ls::shape<1, 1, 130, 120>, false>;
    using g = ls::convolution_geometry<130, 6, 6, 120, pixel>;
    check_product<float, ls::primitive::convolution<pixel, 1>, operand<0, ls::shape<130, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_data_gradient<g>, operand<0, ls::shape<120, 6, 6>>, weights>(64);
    check_product<float, ls::primitive::convolution_weight_gradient<g>, operand<0, ls::shape<130, 6, 6>>,
                  operand<1, ls::shape<120, 6, 6>>>(64);
    CHECK(runtime.all_alive() == 0);
    CHECK(runtime.current == 0);
}

TEST_CASE_FIXTURE(fresh_libraries, "rounded operands are multiplied as they are, to sums of float, rounded or not") {
    using left = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, ls::leaf_content::bf16>;
    using right = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, ls::leaf_content::bf16>;
    using rounded = ls::compute<ls::primitive::matmul, left, right>;
    auto const a = elements_of<float, x>(64, 1), b = elements_of<float, w>(64, 2);
    std::vector<ls::bf16> rounded_a(a.size()), rounded_b(b.size());
    std::ranges::copy(a, rounded_a.begin());
    std::ranges::copy(b, rounded_b.begin());
    std::vector<float> const exact_a(rounded_a.begin(), rounded_a.end()), exact_b(rounded_b.begin(), rounded_b.end());
    auto const expected = on_host<float, product>({exact_a.data(), exact_b.data()}, 64);
    auto const check = [&]<class R>(double bound, std::vector<R> found) {
        gpu::allow_tf32(true); // which is nothing to them
        library<float, rounded, R> operation(1, 64);
        CHECK(blas_library.compute == CUBLAS_COMPUTE_32F);
        REQUIRE(launch<float, rounded, R>(operation, {rounded_a.data(), rounded_b.data()}, 64, found));
        CHECK(difference(std::vector<float>(found.begin(), found.end()), expected) <= bound);
    };
    check(1e-5, std::vector<float>{});
    check(0x1p-8, std::vector<ls::bf16>{});
    // Half as many bytes, so half the alignment.
    using odd = ls::compute<ls::primitive::matmul, ls::leaf<ls::operand_tag<0>, ls::shape<302>, true, ls::leaf_content::bf16>,
                            ls::leaf<ls::operand_tag<1>, ls::shape<302, 2000>, false, ls::leaf_content::bf16>>;
    library<float, odd, ls::bf16> const of_odd(1, 64);
    CHECK(std::ranges::equal(blas_library.alignment, std::vector<std::uint32_t>{16, 4, 16, 16}));
    // What is not rounded on both sides stays with our own kernels.
    static_assert(!library<float, ls::compute<ls::primitive::matmul, x, right>, float>::found);
}

TEST_CASE_FIXTURE(fresh_libraries, "an algorithm adds in a fixed order, and reads operands wherever a shard begins") {
    library<float, product> const operation(1, 64);
    CHECK(blas_library.compute == CUBLAS_COMPUTE_32F);
    CHECK(blas_library.workspace_bytes == gpu::blas_workspace_bytes);
    CHECK((blas_library.reduction_schemes & CUBLASLT_REDUCTION_SCHEME_INPLACE) == 0);
    CHECK(std::ranges::equal(blas_library.alignment, std::vector<std::uint32_t>{16, 16, 16, 16}));
    // A is the right operand, which all samples share, B the samples' own one.
    using odd = ls::compute<ls::primitive::matmul, operand<0, ls::shape<302>>, operand<1, ls::shape<302, 2000>, false>>;
    library<float, odd> const of_odd(1, 64);
    CHECK(std::ranges::equal(blas_library.alignment, std::vector<std::uint32_t>{16, 8, 16, 16}));
    library<double, product> const of_double(1, 64);
    CHECK(blas_library.compute == CUBLAS_COMPUTE_64F);
}

TEST_CASE_FIXTURE(fresh_libraries, "TF32 is for replicas that are made when it is allowed, of float") {
    library<float, product> exact(1, 64);
    gpu::allow_tf32(true);
    library<float, product> const rounding(1, 64);
    CHECK(blas_library.compute == CUBLAS_COMPUTE_32F_FAST_TF32);
    library<double, product> const of_double(1, 64);
    CHECK(blas_library.compute == CUBLAS_COMPUTE_64F);
    std::vector<float> const elements(65 * 8 * 256);
    std::vector<float> result;
    CHECK(launch<float, product>(exact, {elements.data(), elements.data()}, 65, result));
    CHECK(blas_library.compute == CUBLAS_COMPUTE_32F);
}

TEST_CASE_FIXTURE(fresh_libraries, "an algorithm is chosen once for a number of samples, and none for little work") {
    library<float, product> operation(1, 66);
    std::vector<float> const elements(66 * 8 * 256);
    std::vector<void const*> const operands{elements.data(), elements.data()};
    std::vector<float> result;
    int const choices = runtime.count("cublasLtMatmulAlgoGetHeuristic");
    CHECK(choices == 1);
    for (int i = 0; i < 2; ++i) CHECK(launch<float, product>(operation, operands, 66, result));
    CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices);
    for (int i = 0; i < 2; ++i) CHECK(launch<float, product>(operation, operands, 64, result));
    CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices + 1);
    for (std::int64_t const n : {0, 1, 63}) CHECK_FALSE(launch<float, product>(operation, operands, n, result));
    CHECK(runtime.count("cublasLtMatmul") == 4);
    CHECK_FALSE(library<float, product>::is_chosen(63));
}

TEST_CASE_FIXTURE(fresh_libraries, "where cuBLASLt has no algorithm, it is none") {
    std::vector<float> const elements(64 * 8 * 256);
    std::vector<float> result;
    auto const launched = [&] {
        library<float, product> operation(1, 64);
        return launch<float, product>(operation, {elements.data(), elements.data()}, 64, result);
    };
    CHECK(launched());
    blas_library.finds = false;
    CHECK_FALSE(launched());
    blas_library.finds = true;
    blas_library.answer = CUBLAS_STATUS_NOT_SUPPORTED;
    CHECK_FALSE(launched());
    CHECK(runtime.count("cublasLtMatmul") == 1);
    blas_library.answer = CUBLAS_STATUS_INTERNAL_ERROR;
    CHECK_THROWS_WITH_AS(
        launched(),
        "cuda device 1: product of float [512, 256] and [256, 256]: cublasLtMatmulAlgoGetHeuristic: expected "
        "CUBLAS_STATUS_SUCCESS, found CUBLAS_STATUS_INTERNAL_ERROR",
        ls::cublas_error);
}

TEST_CASE_FIXTURE(fresh_libraries, "there is one cuBLASLt a device, as long as somebody uses it") {
    {
        library<float, product> const one(1, 64), another(1, 64), elsewhere(0, 64);
        CHECK(runtime.alive["blas"] == 2);
    }
    CHECK(runtime.alive["blas"] == 0);
    library<float, product> const again(1, 64);
    CHECK(runtime.alive["blas"] == 1);
}

TEST_CASE_FIXTURE(fresh_libraries, "every call for a product may fail, each time, and leaves nothing behind") {
    use_products();
    auto const calls = runtime.calls;
    // Destructors have nobody to tell.
    std::set<std::string> const silent{"cublasLtDestroy", "cudaStreamDestroy"};
    int failures = 0;
    for_each_call(calls, [&](std::string const& call, int after, int times) {
        runtime = {};
        runtime.failing = call;
        runtime.after = after;
        std::string text = "nothing was thrown";
        try {
            use_products();
        } catch (ls::error const& e) {
            text = e.what();
        }
        // What sets back what was set is a destructor's. A device that stays is not set again.
        bool const sets_back = (call == "cudaSetDevice" && after % 2 == 0) ||
                               (call == "cudaThreadExchangeStreamCaptureMode" && after == times);
        if (silent.contains(call) || sets_back) {
            CHECK(text == "nothing was thrown");
        } else {
            CHECK(text.starts_with("cuda device 1: "));
            CAPTURE(text);
            CHECK(text.find(": " + call + ": expected ") != std::string::npos);
            ++failures;
        }
        CHECK(runtime.all_alive() == 0);
        CHECK(runtime.last == cudaSuccess);
    });
    CHECK(failures > 30);
}
