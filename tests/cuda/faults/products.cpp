// SPDX-License-Identifier: MIT
// What cuBLASLt is asked for, and what is made of its answers, against a cuBLASLt of the tests' own.
#include "../../kernels/member_order.hpp"
#include "blas.hpp"
#include "each_failure.hpp"
#include "runtime.hpp"

#include <lockstep/device/cuda/products.hpp>

#include <doctest/doctest.h>


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

template <class R>
ls::grid::call call_of(std::vector<void const*> const& operands, std::int64_t samples, std::vector<R>& result) {
    ls::grid::call call;
    call.result = result.data();
    std::ranges::copy(operands, call.operands);
    call.samples = samples;
    call.scratch = workspace;
    return call;
}

/// A call of the library on device 1; whether it has launched something.
template <class T, class E, class R = T>
bool launch(library<T, E, R>& operation, std::vector<void const*> const& operands, std::int64_t samples,
            std::vector<R>& result) {
    gpu::stream const s(1);
    result.assign(static_cast<std::size_t>(result_size<T, E>(samples)), R{});
    return operation.launch(s, call_of(operands, samples, result));
}

/// A product, with `operands`, and what follows it, with its own, computed at once: both results, of a chain in one place.
template <class R>
struct two_results {
    std::vector<R> product, follower;
};
template <class T, class E, class Next, class R = T>
two_results<R> launch_both(library<T, E, R>& operation, std::vector<void const*> const& operands,
                           std::vector<void const*> const& of_next, std::int64_t samples) {
    gpu::stream const s(1);
    two_results<R> found{std::vector<R>(static_cast<std::size_t>(result_size<T, E>(samples))),
                         std::vector<R>(static_cast<std::size_t>(result_size<T, Next>(samples)))};
    operation.launch_both(s, call_of(operands, samples, found.product), call_of(of_next, samples, found.follower));
    return found;
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

template <class Next>
constexpr ls::grid::follower follower_of = ls::grid::follower_of<Next>::value;

/// z + b, relu(z + b) and relu(z), of products Z and a vector that belongs to their columns.
template <class Z, class B>
using add_bias = ls::apply<ls::function::add, Z, B>;
template <class Z, class B>
using add_bias_relu = ls::apply<ls::function::relu, add_bias<Z, B>>;
template <class Z>
using only_relu = ls::apply<ls::function::relu, Z>;

/// A chain behind a product is what the host computes of its product. B: its vector, operand 1, where it has one.
template <class T, class Product, class Next, class A, class B, class Vector = operand<1, ls::shape<1>, false>>
void check_chain(std::int64_t samples, cublasLtEpilogue_t epilogue) {
    auto const a = elements_of<T, A>(samples, 1), b = elements_of<T, B>(samples, 2);
    auto const vector = elements_of<T, Vector>(samples, 3);
    auto const z = on_host<T, Product>({a.data(), b.data()}, samples);
    auto const expected = on_host<T, Next>({z.data(), vector.data()}, samples);
    static_assert(library<T, Product>::takes(follower_of<Next>, -1));
    library<T, Product> operation(1, samples, follower_of<Next>);
    CHECK(blas_library.epilogue == static_cast<std::uint32_t>(epilogue));
    CHECK(blas_library.vector_alignment == (epilogue == CUBLASLT_EPILOGUE_RELU ? 0 : 16));
    REQUIRE(operation.computes_both(samples));
    std::vector<void const*> const operands{a.data(), b.data()}, of_next{nullptr, vector.data()};
    auto const found = launch_both<T, Product, Next>(operation, operands, of_next, samples);
    CHECK(difference(found.follower, expected) <= 64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
    CHECK(found.product == std::vector<T>(z.size()));
}

/// The gradients of a weight and of its bias, from those of the result, G.
template <class T, class Product, class X, class G, class Bias>
void check_gradients(std::int64_t samples) {
    using sums = ls::compute<ls::primitive::sum_to<Bias, false>, operand<0, typename G::result_shape>>;
    auto const a = elements_of<T, X>(samples, 1), g = elements_of<T, G>(samples, 2);
    static_assert(library<T, Product>::takes(follower_of<sums>, 1));
    library<T, Product> operation(1, samples, follower_of<sums>);
    CHECK(blas_library.epilogue == CUBLASLT_EPILOGUE_BGRADA);
    CHECK(blas_library.vector_alignment == 16);
    REQUIRE(operation.computes_both(samples));
    auto const found = launch_both<T, Product, sums>(operation, {a.data(), g.data()}, {g.data()}, samples);
    double const bound = 64 * static_cast<double>(std::numeric_limits<T>::epsilon());
    CHECK(difference(found.product, on_host<T, Product>({a.data(), g.data()}, samples)) <= bound);
    CHECK(difference(found.follower, on_host<T, sums>({g.data()}, samples)) <= bound);
}

/// 2^26 operations with 64 samples.
using x = operand<0, ls::shape<8, 256>>;
using w = operand<1, ls::shape<256, 256>, false>;
using product = ls::compute<ls::primitive::matmul, x, w>;
using z = operand<0, ls::shape<8, 256>>;
using bias = operand<1, ls::shape<256>, false>;

/// Everything that there is, once.
void use_products() {
    library<float, product> operation(1, 64);
    std::vector<float> const elements(64 * 8 * 256);
    std::vector<float> result;
    launch<float, product>(operation, {elements.data(), elements.data()}, 64, result);
    using of_samples =
        ls::compute<batched_matmul<transposed::none>, operand<0, ls::shape<256, 128>>, operand<1, ls::shape<128, 16>>>;
    library<float, of_samples> const batched(1, 64);
    using next = add_bias<z, bias>;
    library<float, product> both(1, 64, follower_of<next>);
    launch_both<float, product, next>(both, {elements.data(), elements.data()}, {nullptr, elements.data()}, 64);
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

namespace {

/// Of operands and a result that are stored so; `ulp`: of 1.
template <ls::leaf_content Format>
void check_rounded_product(double ulp) {
    using stored = typename ls::grid::stored_content<float, Format>::type;
    using left = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, Format>;
    using right = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, Format>;
    using rounded = ls::compute<ls::primitive::matmul, left, right>;
    auto const a = elements_of<float, x>(64, 1), b = elements_of<float, w>(64, 2);
    std::vector<stored> rounded_a(a.size()), rounded_b(b.size());
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
    check(ulp, std::vector<stored>{});
    // What is not rounded on both sides stays with our own kernels.
    static_assert(!library<float, ls::compute<ls::primitive::matmul, x, right>, float>::found);
}

} // namespace

TEST_CASE_FIXTURE(fresh_libraries, "rounded operands are multiplied as they are, to sums of float, rounded or not") {
    check_rounded_product<ls::leaf_content::bf16>(0x1p-8);
    check_rounded_product<ls::leaf_content::half>(0x1p-11);
    // Half as many bytes, so half the alignment.
    using odd = ls::compute<ls::primitive::matmul, ls::leaf<ls::operand_tag<0>, ls::shape<302>, true, ls::leaf_content::bf16>,
                            ls::leaf<ls::operand_tag<1>, ls::shape<302, 2000>, false, ls::leaf_content::bf16>>;
    library<float, odd, ls::bf16> const of_odd(1, 64);
    CHECK(std::ranges::equal(blas_library.alignment, std::vector<std::uint32_t>{16, 4, 16, 16}));
}

TEST_CASE_FIXTURE(fresh_libraries, "a bias and a relu behind a product are computed with it") {
    check_chain<float, product, add_bias<z, bias>, x, w, bias>(64, CUBLASLT_EPILOGUE_BIAS);
    check_chain<double, product, add_bias_relu<z, bias>, x, w, bias>(64, CUBLASLT_EPILOGUE_RELU_BIAS);
    check_chain<float, product, only_relu<z>, x, w>(64, CUBLASLT_EPILOGUE_RELU);
    using pixel = ls::window<1, 1, 1, 1, 0, 0>;
    using image = operand<0, ls::shape<130, 6, 6>>;
    using weights = operand<1, ls::shape<1, 1, 130, 120>, false>;
    using convolution = ls::compute<ls::primitive::convolution<pixel, 1>, image, weights>;
    using channels = operand<1, ls::shape<120, 1, 1>, false>;
    check_chain<float, convolution, add_bias_relu<operand<0, ls::shape<120, 6, 6>>, channels>, image, weights, channels>(
        64, CUBLASLT_EPILOGUE_RELU_BIAS);
    // Not a vector of another axis, nor what each place of a batch has of its own.
    static_assert(!library<float, product>::takes(follower_of<add_bias<z, operand<1, ls::shape<8, 1>, false>>>, -1));
    using narrow = add_bias<operand<0, ls::shape<16, 128>>, operand<1, ls::shape<128>, false>>;
    static_assert(!library<float, product>::takes(follower_of<narrow>, -1));
    using batched =
        ls::compute<batched_matmul<transposed::none>, operand<0, ls::shape<256, 128>>, operand<1, ls::shape<128, 16>>>;
    static_assert(!library<float, batched>::takes(follower_of<only_relu<operand<0, ls::shape<256, 16>>>>, -1));
    static_assert(!library<float, product>::takes(follower_of<only_relu<z>>, 0));
}

TEST_CASE_FIXTURE(fresh_libraries, "a bias' gradient is computed with that of its weight") {
    using ls::primitive::matmul_left_transposed;
    using g = operand<1, ls::shape<8, 301>>;
    using weight_gradient = ls::compute<matmul_left_transposed, x, g>;
    check_gradients<float, weight_gradient, x, g, ls::shape<301>>(64);
    check_gradients<double, weight_gradient, x, g, ls::shape<301>>(64);
    using pixel = ls::window<1, 1, 1, 1, 0, 0>;
    using geometry = ls::convolution_geometry<130, 6, 6, 120, pixel>;
    using image = operand<0, ls::shape<130, 6, 6>>;
    using upstream = operand<1, ls::shape<120, 6, 6>>;
    using of_pixels = ls::compute<ls::primitive::convolution_weight_gradient<geometry>, image, upstream>;
    check_gradients<float, of_pixels, image, upstream, ls::shape<120, 1, 1>>(64);
    // Of the right operand alone, and along what the product sums.
    using sums = ls::compute<ls::primitive::sum_to<ls::shape<256>, false>, z>;
    using square = ls::compute<matmul_left_transposed, x, operand<1, ls::shape<8, 256>>>;
    static_assert(library<float, square>::takes(follower_of<sums>, 1));
    static_assert(!library<float, square>::takes(follower_of<sums>, 0));
    static_assert(!library<float, square>::takes(follower_of<sums>, -1));
    static_assert(!library<float, product>::takes(follower_of<sums>, 1));
    using turned = ls::compute<ls::primitive::matmul_right_transposed, x, w>;
    static_assert(!library<float, turned>::takes(follower_of<sums>, 1));
}

TEST_CASE_FIXTURE(fresh_libraries, "what is added to a rounded product is rounded too, and gradients of biases are not") {
    using rounded_z = ls::leaf<ls::operand_tag<0>, ls::shape<8, 256>, true, ls::leaf_content::bf16>;
    using rounded_w = ls::leaf<ls::operand_tag<1>, ls::shape<256, 256>, false, ls::leaf_content::bf16>;
    using rounded_g = ls::leaf<ls::operand_tag<1>, ls::shape<8, 256>, true, ls::leaf_content::bf16>;
    using forward = ls::compute<ls::primitive::matmul, rounded_z, rounded_w>;
    using backward = ls::compute<ls::primitive::matmul_left_transposed, rounded_z, rounded_g>;
    auto const rounded = []<class Operand>(Operand, unsigned seed) {
        auto const exact = elements_of<float, Operand>(64, seed);
        return std::vector<ls::bf16>(exact.begin(), exact.end());
    };
    auto const exact = [](auto const& values) { return std::vector<float>(values.begin(), values.end()); };
    auto const a = rounded(x{}, 1), b = rounded(w{}, 2), c = rounded(bias{}, 3), g = rounded(x{}, 4);
    auto const exact_a = exact(a), exact_b = exact(b), exact_c = exact(c), exact_g = exact(g);
    // As the operation is written, its vector is not rounded.
    using next = add_bias_relu<rounded_z, bias>;
    library<float, forward, ls::bf16> operation(1, 64, follower_of<next>);
    REQUIRE(operation.computes_both(64));
    std::vector<void const*> const operands{a.data(), b.data()}, of_next{nullptr, c.data()};
    auto const found = launch_both<float, forward, next, ls::bf16>(operation, operands, of_next, 64);
    auto const sum = on_host<float, product>({exact_a.data(), exact_b.data()}, 64);
    auto const expected = on_host<float, add_bias_relu<z, bias>>({sum.data(), exact_c.data()}, 64);
    CHECK(difference(exact(found.follower), expected) <= 0x1p-8);

    using sums = ls::compute<ls::primitive::sum_to<ls::shape<256>, false>, rounded_z>;
    library<float, backward, float> gradients(1, 64, follower_of<sums>);
    REQUIRE(gradients.computes_both(64));
    auto const both = launch_both<float, backward, sums, float>(gradients, {a.data(), g.data()}, {g.data()}, 64);
    using exact_backward = ls::compute<ls::primitive::matmul_left_transposed, x, operand<1, ls::shape<8, 256>>>;
    using exact_sums = ls::compute<ls::primitive::sum_to<ls::shape<256>, false>, z>;
    CHECK(difference(both.product, on_host<float, exact_backward>({exact_a.data(), exact_g.data()}, 64)) <= 1e-5);
    CHECK(difference(both.follower, on_host<float, exact_sums>({exact_g.data()}, 64)) <= 1e-5);
}

TEST_CASE_FIXTURE(fresh_libraries, "where cuBLASLt has no algorithm with what follows, it is asked for the product alone") {
    using next = add_bias<z, bias>;
    std::vector<float> const elements(65 * 8 * 256);
    std::vector<void const*> const operands{elements.data(), elements.data()};
    std::vector<float> result;
    auto const check_alone = [&] {
        int const choices = runtime.count("cublasLtMatmulAlgoGetHeuristic");
        library<float, product> operation(1, 64, follower_of<next>);
        CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices + 2);
        CHECK_FALSE(operation.computes_both(64));
        CHECK(launch<float, product>(operation, operands, 64, result));
        CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices + 2);
    };
    blas_library.finds_with_epilogue = false;
    check_alone();
    blas_library.finds_with_epilogue = true;
    for (cublasStatus_t const answer : {CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_INVALID_VALUE}) {
        blas_library.answer_with_epilogue = answer;
        check_alone();
    }
    blas_library.answer_with_epilogue = CUBLAS_STATUS_INTERNAL_ERROR;
    using both = library<float, product>;
    CHECK_THROWS_WITH_AS(both(1, 64, follower_of<next>),
                         "cuda device 1: product of float [512, 256] and [256, 256], with a bias: "
                         "cublasLtMatmulAlgoGetHeuristic: expected CUBLAS_STATUS_SUCCESS, found CUBLAS_STATUS_INTERNAL_ERROR",
                         ls::cublas_error);
    // Of a product alone that status is a mistake.
    blas_library.answer = CUBLAS_STATUS_INVALID_VALUE;
    CHECK_THROWS_AS(both(1, 64), ls::cublas_error);
}

TEST_CASE_FIXTURE(fresh_libraries, "with what follows, too, an algorithm is chosen once, and none for little work") {
    using next = add_bias<z, bias>;
    library<float, product> operation(1, 66, follower_of<next>);
    int const choices = runtime.count("cublasLtMatmulAlgoGetHeuristic");
    CHECK(choices == 1);
    for (int i = 0; i < 2; ++i) CHECK(operation.computes_both(66));
    CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices);
    for (int i = 0; i < 2; ++i) CHECK(operation.computes_both(64));
    CHECK(runtime.count("cublasLtMatmulAlgoGetHeuristic") == choices + 1);
    for (std::int64_t const n : {0, 1, 63}) CHECK_FALSE(operation.computes_both(n));
    library<float, product> alone(1, 64);
    CHECK_FALSE(alone.computes_both(64));
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
    blas_library.multiplies = false;
    CHECK(check_each_failure({"cublasLtDestroy", "cudaStreamDestroy"}, use_products) > 30);
}
