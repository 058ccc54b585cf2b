// SPDX-License-Identifier: MIT
// The ring of slots is all the memory there is: once the first epoch has begun, batches allocate nothing. This
// program's operator new is replaced by one that counts.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LOCKSTEP_ALLOCATIONS_ARE_TAKEN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKSTEP_ALLOCATIONS_ARE_TAKEN 1
#endif

#include <doctest/doctest.h>

#if defined(LOCKSTEP_ALLOCATIONS_ARE_TAKEN)

TEST_CASE("batches allocate nothing") { MESSAGE("skipped: a sanitizer has the allocation functions"); }

#else

#include "samples.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/transform/color_jitter.hpp>
#include <lockstep/loader/transform/cutout.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/one_hot.hpp>
#include <lockstep/loader/transform/random_affine.hpp>
#include <lockstep/loader/transform/random_crop.hpp>
#include <lockstep/loader/weighted.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

std::atomic<int> allocations{0};

void* counted(void* memory) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void* aligned(std::size_t bytes, std::align_val_t alignment) {
    auto const boundary = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(boundary, (bytes + boundary - 1) / boundary * boundary));
}

} // namespace

// Not inlined: the compiler would find that memory from malloc goes to operator delete.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(std::malloc(bytes > 0 ? bytes : 1)); }
[[gnu::noinline]] void* operator new[](std::size_t bytes) { return counted(std::malloc(bytes > 0 ? bytes : 1)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return aligned(bytes, alignment);
}
[[gnu::noinline]] void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return aligned(bytes, alignment);
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

using namespace lockstep;
using images = testing::counting<shape<3, 8, 8>, std::uint8_t>;

/// Allocations of two epochs after a first one.
int allocations_of_epochs(auto loader) {
    for ([[maybe_unused]] auto const& batch : loader) {}
    int const before = allocations;
    for (int epoch = 0; epoch < 2; ++epoch)
        for ([[maybe_unused]] auto const& batch : loader) {}
    return allocations - before;
}

auto augmented() {
    return images{100} |
           map(seed{1}, random_crop<2>{}, horizontal_flip{}, color_jitter{.brightness = 0.4F, .contrast = 0.4F},
               random_affine{.degrees = 10}, cutout<3>{}, to_float{}) |
           map_targets(one_hot<10>{});
}

} // namespace

TEST_CASE("what counts allocations finds them") {
    int const before = allocations;
    std::vector<int> volatile_size(static_cast<std::size_t>(before % 2 + 10));
    images const copied{3};
    CHECK(allocations > before + 1);
    CHECK(volatile_size.size() >= 10);
}

TEST_CASE("batches allocate nothing") {
    CHECK(allocations_of_epochs(images{100} | batch<8>) == 0);
    CHECK(allocations_of_epochs(augmented() | shuffle(seed{1}) | batch<8, pad_last> | collate(seed{1}, mixup{})) == 0);
    CHECK(allocations_of_epochs(images{100} | balanced(seed{1}) | batch<8, drop_last>) == 0);
    CHECK(allocations_of_epochs(images{100} | stratified(seed{1}) | batch<8>) == 0);
    CHECK(allocations_of_epochs(images{3} | weighted({1, 2, 3}, seed{1}) | epoch_of(100) | batch<8>) == 0);
}

TEST_CASE("workers allocate once, for samples on their way, and no more with every batch") {
    for (int const threads : {1, 3}) {
        auto loader = augmented() | shuffle(seed{1}) | batch<8> | workers(threads) | pin_memory;
        for ([[maybe_unused]] auto const& batch : loader) {}
        int const before = allocations;
        for (int epoch = 0; epoch < 10; ++epoch)
            for ([[maybe_unused]] auto const& batch : loader) {}
        // A worker whose turn never came until now has this still to do: for each transform that copies, and targets.
        CHECK(allocations - before <= 4 * threads);
    }
}

#endif
