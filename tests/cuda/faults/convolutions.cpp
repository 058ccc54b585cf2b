// SPDX-License-Identifier: MIT
// What cuDNN is asked for, and what is made of its answers, against a cuDNN of the tests' own; weights are turned by the
// grid's kernels, which run here.
#include "../../kernels/member_order.hpp"
#include "dnn.hpp"
#include "each_failure.hpp"
#include "runtime.hpp"

#include <lockstep/device/cuda/copy.hpp>
#include <lockstep/device/cuda/dnn_convolution.hpp>
#include <lockstep/device/cuda/graph.hpp>
#include <lockstep/device/cuda/memory.hpp>
#include <lockstep/device/grid/library_convolution.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <memory>

namespace {

using namespace grid_kernels;
namespace gpu = lockstep::gpu;
using ls::window;
using content = ls::leaf_content;

/// CUDA's devices, whose kernels run here.
struct with_convolutions {
    using stream = gpu::stream;
    using event = gpu::event;
    using graph = gpu::graph;
    using pinned = gpu::pinned_memory;
    struct memory {
        memory(int, std::size_t bytes) : all(new std::byte[bytes]) {}
        std::byte* data() const { return all.get(); }
        std::unique_ptr<std::byte[]> all;
    };
    using convolutions = gpu::dnn_convolutions;
    using convolution = gpu::dnn_convolution;
    static constexpr std::int64_t convolution_bytes = gpu::dnn_workspace_bytes;

    static bool reaches(int, int) { return true; }
    static void copy(stream const&, std::byte* to, std::byte const* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
    static void clear(stream const&, std::byte* to, std::size_t bytes) { std::memset(to, 0, bytes); }
    template <class K>
    static void launch(stream const&, typename K::argument const& argument) {
        ls::grid::run_here<K>(argument);
    }
};
static_assert(ls::grid::convolving_platform<with_convolutions>);

struct fresh_libraries {
    fresh_libraries() {
        runtime = {};
        dnn_library = {};
        gpu::allow_tf32(false);
    }
};

template <class E, class R = float>
using library = ls::grid::library_operation<with_convolutions, float, E, R>;

/// A call of the library on device 1, in scratch memory as large as it asks for; whether it has launched something.
template <class E, class R = float>
bool launch(library<E, R>& operation, void const* left, void const* right, std::int64_t samples, std::vector<R>& result) {
    auto const bytes = static_cast<std::size_t>(library<E, R>::scratch_bytes(1, samples));
    static_assert(gpu::dnn_workspace_bytes % 256 == 0);
    std::unique_ptr<void, void (*)(void*)> const scratch(std::aligned_alloc(256, bytes), std::free);
    gpu::stream const s(1);
    result.assign(static_cast<std::size_t>(result_size<float, E>(samples)), R{});
    ls::grid::call call;
    call.result = result.data();
    call.operands[0] = left;
    call.operands[1] = right;
    call.samples = samples;
    call.scratch = scratch.get();
    return operation.launch(s, call);
}

/// The three of a geometry, of operands with this content.
template <class Geometry, content Content = content::number>
struct operations {
    using g = Geometry;
    template <int Index, class Shape, bool PerSample = true>
    using leaf = ls::leaf<ls::operand_tag<Index>, Shape, PerSample, Content>;
    using image = ls::shape<g::in_channels, g::in_height, g::in_width>;
    using out_image = ls::shape<g::out_channels, g::out_height, g::out_width>;
    using weights = leaf<1, ls::shape<g::kernel_height, g::kernel_width, g::group_in, g::out_channels>, false>;
    using forward = ls::compute<ls::primitive::convolution<typename g::window_type, g::groups>, leaf<0, image>, weights>;
    using data_gradient = ls::compute<ls::primitive::convolution_data_gradient<g>, leaf<0, out_image>, weights>;
    using weight_gradient = ls::compute<ls::primitive::convolution_weight_gradient<g>, leaf<0, image>, leaf<1, out_image>>;
};

template <class Primitive, class A, class B>
void check_same_as_host(std::int64_t samples, std::type_identity<ls::compute<Primitive, A, B>>) {
    using e = ls::compute<Primitive, A, B>;
    CAPTURE(Primitive::name);
    REQUIRE(library<e>::is_chosen(samples));
    auto const a = elements_of<float, A>(samples, 1), b = elements_of<float, B>(samples, 2);
    library<e> operation(1, samples);
    std::vector<float> found;
    REQUIRE(launch<e>(operation, a.data(), b.data(), samples, found));
    CHECK(difference(found, on_host<float, e>({a.data(), b.data()}, samples)) <= 1e-5);
}

template <int Channels, int Height, int Width, int OutChannels, class Window, int Groups = 1>
void check_convolution(std::int64_t samples) {
    using all = operations<ls::convolution_geometry<Channels, Height, Width, OutChannels, Window, Groups>>;
    CAPTURE(Channels);
    check_same_as_host(samples, std::type_identity<typename all::forward>{});
    check_same_as_host(samples, std::type_identity<typename all::data_gradient>{});
    check_same_as_host(samples, std::type_identity<typename all::weight_gradient>{});
}

/// More than 2^26 operations with 8 samples, as few elements as that takes.
using geometry = ls::convolution_geometry<64, 12, 12, 64, window<3, 3, 1, 1, 1, 1>>;
using exact = operations<geometry>;
using rounded = operations<geometry, content::bf16>;
constexpr std::int64_t samples = 8;

std::vector<float> const zeros(geometry::weight_size);

/// Of operands that nobody reads but the kernels which turn weights.
template <class E, class R = float>
bool is_launched(std::int64_t count = samples) {
    dnn_library.computes = false;
    library<E, R> operation(1, count);
    std::vector<R> result;
    return launch<E, R>(operation, zeros.data(), zeros.data(), count, result);
}

/// Everything that there is, once.
void use_convolutions() {
    is_launched<exact::forward>();
    is_launched<exact::data_gradient>();
    is_launched<rounded::weight_gradient>();
}

using engines = std::vector<fake_dnn::engine>;

} // namespace

TEST_CASE_FIXTURE(fresh_libraries, "cuDNN is told which convolution an operation is") {
    check_convolution<9, 21, 14, 10, window<5, 3, 1, 1, 2, 1>>(100);
    check_convolution<34, 15, 18, 24, window<3, 2, 2, 1, 0, 1>>(60);
    check_convolution<16, 19, 20, 20, window<3, 3, 2, 3, 3, 2, 2, 3>>(180);
    check_convolution<24, 13, 12, 36, window<3, 3, 1, 1, 1, 1>, 3>(90);
    check_convolution<130, 9, 11, 120, window<1, 1, 2, 2, 0, 0>>(80);
    CHECK(runtime.all_alive() == 0);
    CHECK(runtime.current == 0);
}

TEST_CASE_FIXTURE(fresh_libraries, "a transposed convolution is a data gradient, whatever its output padding") {
    using g = ls::transposed_geometry<32, 7, 8, 24, window<3, 3, 2, 2, 1, 1>, 1, 1, 0>;
    check_same_as_host(90, std::type_identity<operations<g>::data_gradient>{});
}

namespace {

/// Of operands that are stored so. `ulp`: of 1.
template <content Format>
void check_rounded_convolutions(double ulp) {
    using stored = typename ls::grid::stored_content<float, Format>::type;
    using of_format = operations<geometry, Format>;
    auto const check = [&]<class Exact, class Rounded, class R>(std::type_identity<Exact>, std::type_identity<Rounded>,
                                                                std::vector<R> found, double bound) {
        using facts = ls::grid::dense_convolution_of<Exact>;
        auto a = elements_of<float, typename facts::left>(samples, 1);
        auto b = elements_of<float, typename facts::right>(samples, 2);
        std::vector<stored> rounded_a(a.size()), rounded_b(b.size());
        std::ranges::copy(a, rounded_a.begin());
        std::ranges::copy(b, rounded_b.begin());
        std::ranges::copy(rounded_a, a.begin());
        std::ranges::copy(rounded_b, b.begin());
        library<Rounded, R> operation(1, samples);
        REQUIRE(launch<Rounded, R>(operation, rounded_a.data(), rounded_b.data(), samples, found));
        CHECK(difference(std::vector<float>(found.begin(), found.end()),
                         on_host<float, Exact>({a.data(), b.data()}, samples)) <= bound);
    };
    std::vector<float> const floats;
    std::vector<stored> const rounded_numbers;
    std::type_identity<exact::weight_gradient> const of_weights;
    std::type_identity<typename of_format::weight_gradient> const of_rounded;
    using forward = typename of_format::forward;
    using data_gradient = typename of_format::data_gradient;
    check(std::type_identity<exact::forward>{}, std::type_identity<forward>{}, rounded_numbers, ulp);
    check(std::type_identity<exact::forward>{}, std::type_identity<forward>{}, floats, 1e-5);
    check(std::type_identity<exact::data_gradient>{}, std::type_identity<data_gradient>{}, rounded_numbers, ulp);
    check(of_weights, of_rounded, rounded_numbers, ulp);
    check(of_weights, of_rounded, floats, 1e-5);
    CHECK(dnn_library.result_type == CUDNN_DATA_FLOAT);
    // Where cuDNN has no gradient of floats, it is a rounded one, made floats again.
    dnn_library.widens = false;
    check(of_weights, of_rounded, floats, ulp);
    CHECK(dnn_library.result_type == (Format == content::half ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16));
    // Values that are to be floats are not rounded: they are left to our own kernels.
    CHECK_FALSE(is_launched<forward>());
    CHECK_FALSE(is_launched<data_gradient>());
    CHECK(is_launched<forward, stored>());
}

} // namespace

TEST_CASE_FIXTURE(fresh_libraries, "rounded operands are convolved as they are, to floats or rounded") {
    check_rounded_convolutions<content::bf16>(0x1p-8);
    dnn_library = {};
    check_rounded_convolutions<content::half>(0x1p-11);
}

TEST_CASE_FIXTURE(fresh_libraries, "operands are read wherever a shard begins") {
    is_launched<exact::forward>();
    CHECK(std::ranges::equal(dnn_library.alignment, std::vector<std::int64_t>{16, 256, 16}));
    is_launched<exact::weight_gradient>();
    CHECK(std::ranges::equal(dnn_library.alignment, std::vector<std::int64_t>{16, 16, 256}));
    // 3 * 23 * 21 elements, an odd number of them, for a sample.
    using odd = operations<ls::convolution_geometry<3, 23, 21, 70, window<3, 3, 1, 1, 1, 1>>, content::bf16>;
    CHECK(is_launched<odd::forward, ls::bf16>(40));
    CHECK(std::ranges::equal(dnn_library.alignment, std::vector<std::int64_t>{2, 256, 16}));
    CHECK(is_launched<odd::data_gradient, ls::bf16>(40));
    CHECK(std::ranges::equal(dnn_library.alignment, std::vector<std::int64_t>{4, 256, 16}));
}

TEST_CASE_FIXTURE(fresh_libraries, "an engine adds up products, in the same order each time, and of floats as they are") {
    auto const chosen = [](engines proposed) {
        dnn_library.engines = std::move(proposed);
        dnn_library.executed = -1;
        bool const launched = is_launched<exact::forward>();
        CHECK(launched == (dnn_library.executed >= 0));
        return dnn_library.executed;
    };
    CHECK(chosen({{}, {}}) == 0);
    CHECK(chosen({{{CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP}}, {}}) == 0);
    for (auto const note : {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION,
                            CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, CUDNN_NUMERICAL_NOTE_FFT, CUDNN_NUMERICAL_NOTE_WINOGRAD,
                            CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4, CUDNN_NUMERICAL_NOTE_TENSOR_CORE}) {
        CAPTURE(note);
        CHECK(chosen({{{CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, note}}, {{note}}, {}}) == 2);
        CHECK(chosen({{{note}}}) == -1);
    }
    engines const on_tensor_cores{{{CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}},
                                  {{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}},
                                  {}};
    CHECK(chosen(on_tensor_cores) == 2);
    gpu::allow_tf32(true);
    CHECK(chosen(on_tensor_cores) == 1);
    gpu::allow_tf32(false);
    is_launched<rounded::forward, ls::bf16>();
    CHECK(dnn_library.executed == 1);
}

TEST_CASE_FIXTURE(fresh_libraries, "an engine has what it needs on this device, and in this memory") {
    dnn_library.engines = {{{}, 1000, CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH},
                           {{}, gpu::dnn_workspace_bytes + 1},
                           {{}, gpu::dnn_workspace_bytes},
                           {}};
    CHECK(is_launched<exact::data_gradient>());
    CHECK(dnn_library.executed == 2);
}

TEST_CASE_FIXTURE(fresh_libraries, "where cuDNN has no engine, it is none") {
    dnn_library.engines.clear();
    CHECK_FALSE(is_launched<exact::forward>());
    CHECK_FALSE(is_launched<rounded::weight_gradient>());
    for (auto const type :
         {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
          CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
          CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR}) {
        CAPTURE(type);
        dnn_library = {};
        dnn_library.answers = {{type, CUDNN_STATUS_NOT_SUPPORTED_SHAPE}};
        CHECK_FALSE(is_launched<exact::forward>());
        dnn_library.answers = {{type, CUDNN_STATUS_INTERNAL_ERROR}};
        CHECK_THROWS_WITH_AS(is_launched<exact::forward>(),
                             "cuda device 1: convolution of float [8, 64, 12, 12] by [64, 64, 3, 3]: cudnnBackendFinalize: "
                             "expected CUDNN_STATUS_SUCCESS, found CUDNN_STATUS_INTERNAL_ERROR",
                             ls::cudnn_error);
    }
    CHECK(runtime.count("cudnnBackendExecute") == 0);
    CHECK(runtime.all_alive() == 0);
}

TEST_CASE_FIXTURE(fresh_libraries, "an engine is chosen once for a number of samples, and none for little work") {
    dnn_library.computes = false;
    library<exact::forward> operation(1, 9);
    std::vector<float> result;
    auto const launched = [&](std::int64_t count) {
        return launch<exact::forward>(operation, zeros.data(), zeros.data(), count, result);
    };
    auto const choices = [] { return runtime.count("cudnnBackendGetAttribute"); };
    int const one = choices();
    CHECK(one > 0);
    for (int i = 0; i < 2; ++i) CHECK(launched(9));
    CHECK(choices() == one);
    for (int i = 0; i < 2; ++i) CHECK(launched(8));
    CHECK(choices() == 2 * one);
    for (std::int64_t const n : {0, 1, 6}) CHECK_FALSE(launched(n));
    CHECK(runtime.count("cudnnBackendExecute") == 4);
    CHECK_FALSE(library<exact::forward>::is_chosen(6));
}

TEST_CASE_FIXTURE(fresh_libraries, "there is one cuDNN a device, as long as somebody uses it") {
    {
        library<exact::forward> const one(1, samples), another(1, samples), elsewhere(0, samples);
        CHECK(runtime.alive["dnn"] == 2);
    }
    CHECK(runtime.alive["dnn"] == 0);
    library<exact::forward> const again(1, samples);
    CHECK(runtime.alive["dnn"] == 1);
}

TEST_CASE_FIXTURE(fresh_libraries, "every call for a convolution may fail, each time, and leaves nothing behind") {
    CHECK(check_each_failure({"cudnnDestroy", "cudnnBackendDestroyDescriptor", "cudaStreamDestroy"}, use_convolutions) > 100);
}
