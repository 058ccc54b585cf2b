// SPDX-License-Identifier: MIT
// Sums of rows by sorted indices beside those that are found one by one, on a device.
#include <lockstep/device/cuda/platform.cuh>
#include <lockstep/device/grid/backend.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace gpu = lockstep::gpu;
namespace ls = lockstep;

namespace {

using gpu::platform;

template <class T>
std::size_t bytes_of(std::vector<T> const& values) {
    return values.size() * sizeof(T);
}
template <class T>
void fill(gpu::stream const& s, platform::memory const& memory, std::vector<T> const& values) {
    platform::copy(s, memory.data(), reinterpret_cast<std::byte const*>(values.data()), bytes_of(values));
    s.synchronize();
}

/// Indices of 8 samples, of which every second one is among the first `frequent` rows.
template <class T, int Rows, int Columns, int Length>
void compare(int frequent) {
    using index = ls::leaf<ls::operand_tag<1>, ls::shape<Length>, true, ls::leaf_content::class_index>;
    using x = ls::leaf<ls::operand_tag<0>, ls::shape<Length, Columns>, true>;
    using scatter = ls::compute<ls::primitive::scatter_sum<Rows>, x, index>;
    using library = ls::grid::library_operation<platform, T, scatter>;
    using own = ls::grid::kernels_for<T, scatter>;
    constexpr std::int64_t samples = 8;
    static_assert(library::found && library::is_chosen(samples));
    CAPTURE(Rows);
    CAPTURE(frequent);

    std::mt19937 generator(5);
    std::vector<std::int32_t> indices(static_cast<std::size_t>(samples * Length));
    for (std::int32_t& each : indices)
        each = static_cast<std::int32_t>(generator() % static_cast<unsigned>(generator() % 2 == 0 ? frequent : Rows));
    std::uniform_real_distribution<T> element(-1, 1);
    std::vector<T> upstream(indices.size() * Columns), nothing(static_cast<std::size_t>(Rows) * Columns, T(7));
    for (T& each : upstream) each = element(generator);

    gpu::stream const s(0);
    platform::memory const a(0, bytes_of(upstream)), b(0, bytes_of(indices)), result(0, bytes_of(nothing));
    platform::memory const scratch(0, static_cast<std::size_t>(library::scratch_bytes(0, samples)));
    fill(s, a, upstream);
    fill(s, b, indices);
    ls::grid::call call;
    call.result = result.data();
    call.operands[0] = a.data();
    call.operands[1] = b.data();
    call.samples = samples;
    call.scratch = scratch.data();

    auto const found_by = [&](auto const& work) {
        fill(s, result, nothing);
        work();
        std::vector<T> found(nothing.size());
        platform::copy(s, reinterpret_cast<std::byte*>(found.data()), result.data(), bytes_of(found));
        s.synchronize();
        return found;
    };
    auto const launch_own = [&]<class... K>(ls::grid::passes<K...>) { (platform::launch<K>(s, call), ...); };
    auto const expected = found_by([&] { launch_own(typename own::type{}); });
    // In a graph the sort is used for the first time, and then again.
    library operation(0, samples);
    gpu::graph const graph(s, [&] { CHECK(operation.launch(s, call)); });
    CHECK(found_by([&] { graph.launch(s); }) == expected);
    CHECK(found_by([&] { graph.launch(s); }) == expected);
    CHECK(found_by([&] { CHECK(operation.launch(s, call)); }) == expected);
    // The order of positions.
    std::vector<T> sums(nothing.size());
    for (std::size_t i = 0; i < indices.size(); ++i)
        for (std::size_t column = 0; column < Columns; ++column)
            sums[static_cast<std::size_t>(indices[i]) * Columns + column] += upstream[i * Columns + column];
    CHECK(expected == sums);
}

} // namespace

TEST_CASE_TEMPLATE("sums of rows by sorted indices have the bits of those that are found one by one", T, float, double) {
    // Fewer pairs than CUB sorts in one block, and more.
    compare<T, 100'003, 36, 128>(3);
    compare<T, 20'011, 300, 1024>(1000);
    compare<T, 50'257, 40, 1024>(1);
    compare<T, 1025, 5, 20'000>(1025);
}

TEST_CASE("too little memory for a sort is an error that names the device and what was to be sorted") {
    gpu::stream const s(0);
    platform::memory const memory(0, 4096);
    ls::grid::pair_sort what;
    what.keys = what.numbers = reinterpret_cast<std::int32_t const*>(memory.data());
    what.sorted_keys = what.sorted_numbers = reinterpret_cast<std::int32_t*>(memory.data());
    what.count = 1 << 20;
    what.bits = 16;
    what.memory = memory.data();
    what.memory_bytes = 4096;
    CHECK_THROWS_WITH_AS(platform::sort(s, what),
                         "cuda device 0: sort of 1048576 pairs: cub::DeviceRadixSort::SortPairs: expected cudaSuccess, "
                         "found cudaErrorInvalidValue (invalid argument)",
                         ls::cuda_error);
}
