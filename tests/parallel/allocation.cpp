// SPDX-License-Identifier: MIT
// A step allocates nothing after the first ones. Every way to memory is counted: this program's operator new in
// all its forms, and the C library's functions, replace the usual ones. They count only while a test asks.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LOCKSTEP_ALLOCATIONS_ARE_TAKEN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !__has_include(<gnu/libc-version.h>)
#define LOCKSTEP_ALLOCATIONS_ARE_TAKEN 1
#endif

#include <doctest/doctest.h>

#if defined(LOCKSTEP_ALLOCATIONS_ARE_TAKEN)

TEST_CASE("a step allocates nothing") {
    MESSAGE("skipped: a sanitizer has the allocation functions, or the C library is not glibc");
}

#else

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/parameter_groups.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <new>
#include <string>
#include <vector>

extern "C" {

// The program's own code lies between these two, which the linker defines.
extern char __executable_start, etext;
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

} // extern "C"

namespace {

std::atomic<bool> counting{false};
std::atomic<int> by_lockstep{0}, by_libraries{0};

/// Who called is told by the address that the call returns to, so none of the functions below is inlined. All of
/// lockstep is in headers and so in this program; what lies elsewhere belongs to a shared library.
void count(void const* caller) {
    if (!counting.load(std::memory_order_relaxed)) return;
    auto const at = reinterpret_cast<std::uintptr_t>(caller);
    bool const own = at >= reinterpret_cast<std::uintptr_t>(&__executable_start) &&
                     at < reinterpret_cast<std::uintptr_t>(&etext);
    (own ? by_lockstep : by_libraries).fetch_add(1, std::memory_order_relaxed);
}

void* checked(void* memory) {
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

} // namespace

extern "C" {

[[gnu::noinline]] void* malloc(std::size_t bytes) {
    count(__builtin_return_address(0));
    return __libc_malloc(bytes);
}
[[gnu::noinline]] void* calloc(std::size_t number, std::size_t bytes) {
    count(__builtin_return_address(0));
    return __libc_calloc(number, bytes);
}
[[gnu::noinline]] void* realloc(void* memory, std::size_t bytes) {
    count(__builtin_return_address(0));
    return __libc_realloc(memory, bytes);
}
[[gnu::noinline]] void* memalign(std::size_t alignment, std::size_t bytes) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, bytes);
}
[[gnu::noinline]] void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, bytes);
}
[[gnu::noinline]] int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
    count(__builtin_return_address(0));
    *memory = __libc_memalign(alignment, bytes);
    return *memory == nullptr ? ENOMEM : 0;
}

} // extern "C"

[[gnu::noinline]] void* operator new(std::size_t bytes) {
    count(__builtin_return_address(0));
    return checked(__libc_malloc(bytes));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes) {
    count(__builtin_return_address(0));
    return checked(__libc_malloc(bytes));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
    count(__builtin_return_address(0));
    return checked(__libc_memalign(static_cast<std::size_t>(alignment), bytes));
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    count(__builtin_return_address(0));
    return checked(__libc_memalign(static_cast<std::size_t>(alignment), bytes));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

namespace ls = lockstep;

using mlp = ls::sequential<ls::shape<20>, ls::linear<64>, ls::tanh, ls::dropout<0.2>,
                           ls::residual<ls::linear<96>, ls::relu, ls::linear<64>>, ls::linear<4>>;
using convolutional =
    ls::sequential<ls::shape<2, 8, 8>, ls::conv2d<8, 3, ls::padding<1>>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                   ls::linear<4>>;

/// Large enough for oneDNN's products in all three forms, where it is the default library.
using wide = ls::sequential<ls::shape<64>, ls::linear<1024>, ls::relu, ls::linear<1024>, ls::relu, ls::linear<4>>;

struct allocations {
    int of_lockstep, of_libraries;
};

template <class Work>
allocations allocations_of(Work&& work) {
    by_lockstep = 0, by_libraries = 0;
    counting = true;
    work();
    counting = false;
    return {by_lockstep, by_libraries};
}

/// 20 steps after a full and a short batch.
template <class Model, int Replicas, class Library, class Optimizer, class... Clip>
allocations allocations_of_steps(Optimizer const& optimizer, Clip const&... clip) {
    ls::parallel<Model, ls::cpu_devices<Replicas, Library>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<32>, clip...};
    ls::tensor<float, typename Model::input_shape> const inputs(32);
    std::vector<std::int32_t> const targets(32, 1);
    auto step = [&](std::size_t count) {
        trainer.step(ls::batch_view<float, typename Model::input_shape>{
            inputs.view().slice(0, static_cast<std::int64_t>(count)),
            std::span<std::int32_t const>(targets).first(count)});
    };
    step(32);
    step(13);
    return allocations_of([&] {
        for (int i = 0; i < 20; ++i) step(i % 4 == 3 ? 13 : 32);
    });
}

/// With its own loops lockstep needs no library; one that it calls may allocate, which is printed.
template <class Model, int Replicas, class Library>
void check_steps(std::string const& name) {
    allocations const found =
        allocations_of_steps<Model, Replicas, Library>(ls::sgd{.learning_rate = 0.01, .momentum = 0.9});
    INFO(name);
    CHECK(found.of_lockstep == 0);
    if constexpr (std::is_same_v<Library, ls::host::portable>) CHECK(found.of_libraries == 0);
    std::cout << name << ": 20 steps allocate " << found.of_lockstep << " times in lockstep, " << found.of_libraries
              << " times in libraries\n";
}

} // namespace

TEST_CASE("what counts allocations finds them") {
    void* volatile memory[4] = {};
    allocations const found = allocations_of([&] {
        memory[0] = ::operator new(10);
        memory[1] = ::operator new(64, std::align_val_t{64});
        memory[2] = std::malloc(10);
        memory[3] = std::aligned_alloc(64, 64);
    });
    ::operator delete(memory[0]);
    ::operator delete(memory[1], std::align_val_t{64});
    std::free(memory[2]);
    std::free(memory[3]);
    CHECK(found.of_lockstep == 4);
}

TEST_CASE("a step allocates nothing") {
    check_steps<mlp, 1, ls::host::portable>("MLP, portable, 1 replica");
    check_steps<mlp, 2, ls::host::portable>("MLP, portable, 2 replicas");
    check_steps<convolutional, 2, ls::host::portable>("convolutional net, portable, 2 replicas");
    if constexpr (!std::is_same_v<ls::host::default_library, ls::host::portable>) {
        check_steps<mlp, 2, ls::host::default_library>("MLP, default library, 2 replicas");
        check_steps<wide, 2, ls::host::default_library>("wide MLP, default library, 2 replicas");
        check_steps<convolutional, 2, ls::host::default_library>("convolutional net, default library, 2 replicas");
    }
}

TEST_CASE("a step with parameter groups, averages and a clip allocates nothing") {
    ls::averaged const optimizer{
        ls::parameter_groups{ls::adamw{}, ls::group_of<ls::bias>(ls::adamw{.weight_decay = 0.0})}, 0.999};
    CHECK(allocations_of_steps<mlp, 2, ls::host::portable>(optimizer, ls::clip_norm{1.0}).of_lockstep == 0);
    CHECK(allocations_of_steps<mlp, 2, ls::host::portable>(optimizer, ls::clip_value{1.0}).of_lockstep == 0);
}

#endif
