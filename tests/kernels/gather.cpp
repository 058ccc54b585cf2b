// SPDX-License-Identifier: MIT
// Rows of tables by index for a grid against those of a host, and the sums of rows with the same index, by looking through
// all indices and by sorting them.
#include "member_order.hpp"

#include <lockstep/device/grid/sorted_scatter.hpp>
#include <lockstep/expression/gather.hpp>

#include <numeric>
#include <random>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;

std::vector<std::int32_t> random_indices(std::int64_t count, int rows) {
    std::mt19937 generator(3);
    std::uniform_int_distribution<std::int32_t> row(0, rows - 1);
    std::vector<std::int32_t> result(static_cast<std::size_t>(count));
    for (std::int32_t& index : result) index = row(generator);
    return result;
}

template <class T, int Rows, int Columns, class Indices>
void compare(std::int64_t samples) {
    using table = operand<0, ls::shape<Rows, Columns>, false>;
    using index = ls::leaf<ls::operand_tag<1>, Indices, true, ls::leaf_content::class_index>;
    using gather = ls::compute<ls::primitive::gather, table, index>;
    using scatter = ls::compute<ls::primitive::scatter_sum<Rows>, operand<0, typename gather::result_shape>, index>;
    std::int64_t const count = Indices::size * samples;
    auto const rows = random_elements<T>(Rows * Columns, 1), upstream = random_elements<T>(count * Columns, 2);
    auto const indices = random_indices(count, Rows);
    INFO(Rows, " rows of ", Columns, ", ", count, " indices");
    std::vector<void const*> const forward{rows.data(), indices.data()}, backward{upstream.data(), indices.data()};
    CHECK(on_grid<T, gather>(forward, samples) == on_host<T, gather>(forward, samples));
    check_any_order<T, scatter>(backward, samples, samples);
}

/// What a library does between the kernels: it may read of the indices only as many bits as they have.
void sort(ls::grid::pair_sort const& what) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(what.count));
    std::iota(order.begin(), order.end(), 0);
    std::int32_t const mask = static_cast<std::int32_t>((std::int64_t{1} << what.bits) - 1);
    std::ranges::stable_sort(order, {}, [&](std::int32_t i) { return what.keys[i] & mask; });
    for (std::size_t i = 0; i < order.size(); ++i) {
        what.sorted_keys[i] = what.keys[order[i]];
        what.sorted_numbers[i] = what.numbers[order[i]];
    }
    if (what.memory_bytes > 0) std::memset(what.memory, 0xff, static_cast<std::size_t>(what.memory_bytes));
}

/// The same by sorted indices, in scratch memory that does for exactly `capacity` samples; the units of a kernel in their
/// order or from the last one on.
template <class T, class Sorted>
std::vector<T> by_sorting(std::int64_t elements, std::vector<T> const& upstream, std::vector<std::int32_t> const& indices,
                          std::int64_t samples, std::int64_t capacity, bool backwards) {
    constexpr std::int64_t sort_bytes = 64;
    std::vector<T> result = host_kernels::unset<T>(elements);
    std::vector<std::byte> scratch(static_cast<std::size_t>(Sorted::layout::of(capacity).sort_memory + sort_bytes), std::byte{0xff});
    ls::grid::call call;
    call.result = result.data();
    call.operands[0] = upstream.data();
    call.operands[1] = indices.data();
    call.samples = samples;
    call.scratch = scratch.data();
    auto const run = [&]<class K>(std::type_identity<K>) {
        ls::grid::nothing_shared nothing;
        std::int64_t const units = K::units(call);
        for (std::int64_t i = 0; i < units; ++i) K::run(call, backwards ? units - 1 - i : i, ls::grid::taking_turns<1>{}, nothing);
    };
    run(std::type_identity<typename Sorted::number_positions>{});
    sort(Sorted::sort(call, sort_bytes));
    run(std::type_identity<typename Sorted::find_begins>{});
    run(std::type_identity<typename Sorted::add_rows>{});
    return result;
}

/// Rows that are added in the order of their positions, in double precision.
template <class T>
std::vector<T> double_sums(int rows, int columns, std::vector<T> const& upstream, std::vector<std::int32_t> const& indices) {
    std::vector<double> sums(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < indices.size(); ++i)
        for (int column = 0; column < columns; ++column)
            sums[static_cast<std::size_t>(indices[i] * columns + column)] +=
                static_cast<double>(upstream[i * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column)]);
    return {sums.begin(), sums.end()};
}

/// `PerSample`: whether each sample has indices of its own. Found by sorting and by looking through all, in any order.
template <class T, int Rows, int Columns, class Indices, bool PerSample = true>
void compare_sorted(std::vector<std::int32_t> const& indices, std::int64_t samples) {
    using index = ls::leaf<ls::operand_tag<1>, Indices, PerSample, ls::leaf_content::class_index>;
    using row_of_each = ls::compute<ls::primitive::gather, operand<2, ls::shape<Rows, Columns>, false>, index>;
    using x = operand<0, typename row_of_each::result_shape, PerSample>;
    using scatter = ls::compute<ls::primitive::scatter_sum<Rows>, x, index>;
    using scanned = ls::grid::scatter_sum<T, T, Rows, x, index>;
    using sorted = ls::grid::sorted_scatter<T, T, Rows, x, index>;
    INFO(Rows, " rows of ", Columns, ", ", indices.size(), " indices");
    REQUIRE(sorted::indices(samples) == static_cast<std::int64_t>(indices.size()));

    auto const upstream = random_elements<T>(static_cast<std::int64_t>(indices.size()) * Columns, 2);
    auto const found = by_sorting<T, sorted>(Rows * Columns, upstream, indices, samples, samples, false);
    CHECK(by_sorting<T, sorted>(Rows * Columns, upstream, indices, samples, samples + 3, true) == found);
    // The same order of additions, and so the same bits.
    std::vector<void const*> const operands{upstream.data(), indices.data()};
    CHECK(found == on_host<T, scatter>(operands, samples));
    if (scanned::parts(samples) == 1) CHECK(found == on_grid<T, scatter>(operands, samples));
    CHECK(difference(found, double_sums(Rows, Columns, upstream, indices)) <=
          64 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

template <class Sorted>
constexpr std::int64_t first_number_of_samples() {
    std::int64_t samples = 0;
    while (!Sorted::pays(samples)) ++samples;
    return samples;
}

} // namespace

TEST_CASE_TEMPLATE("gather and scatter for a grid: fewer and more indices than rows", T, float, double) {
    compare<T, 1, 1, ls::shape<1>>(1);
    compare<T, 7, 5, ls::shape<3>>(0);
    compare<T, 7, 5, ls::shape<3>>(11);
    compare<T, 53, 33, ls::shape<2, 5>>(13);
    compare<T, 300, 4, ls::shape<>>(29);
    compare<T, 5, 600, ls::shape<17>>(3);
    compare<T, 3, 7, ls::shape<101>>(37);
    compare<T, 2, 257, ls::shape<1025>>(2);
}

TEST_CASE("gather and scatter for a grid: few rows and many indices go in parts, whose memory does for fewer too") {
    using index = ls::leaf<ls::operand_tag<1>, ls::shape<64>, true, ls::leaf_content::class_index>;
    using whole = ls::grid::scatter_sum<float, float, 10, operand<0, ls::shape<64, 300>>, index>;
    std::int64_t bytes = 0;
    for (std::int64_t samples = 0; samples <= 1500; ++samples) {
        CHECK(whole::scratch_bytes(samples) >= bytes);
        bytes = whole::scratch_bytes(samples);
        if (whole::parts(samples) > 1) CHECK(bytes >= whole::parts(samples) * 10 * 300 * 4);
    }
    CHECK(whole::parts(31) == 1);
    CHECK(whole::parts(32) == 2);
    CHECK(whole::parts(1500) == 51); // 20 groups of one part are enough in 51
}

TEST_CASE_TEMPLATE("sums of rows by sorted indices have the bits of those that are found one by one", T, float, double) {
    // Each several times, and so many that some rows have none.
    compare_sorted<T, 53, 33, ls::shape<2, 5>>(random_indices(130, 53), 13);
    compare_sorted<T, 700, 3, ls::shape<64>>(random_indices(64 * 9, 700), 9);
    // Rows of which some are added in several chunks of the scan, and by more than eight at once.
    compare_sorted<T, 600, 5, ls::shape<>>(random_indices(5001, 600), 5001);
    compare_sorted<T, 600, 5, ls::shape<>>(random_indices(5001, 7), 5001);
    compare_sorted<T, 9, 600, ls::shape<17>>(random_indices(51, 9), 3);
    // One part of the scan, and several.
    compare_sorted<T, 3, 7, ls::shape<101>>(random_indices(101 * 10, 3), 10);
    compare_sorted<T, 3, 7, ls::shape<101>>(random_indices(101 * 37, 3), 37);
}

TEST_CASE("sums of rows by sorted indices: all the same one, the first and the last, a single one, none") {
    using indices = std::vector<std::int32_t>;
    compare_sorted<float, 40, 6, ls::shape<100>>(indices(1000, 17), 10);
    compare_sorted<float, 40, 6, ls::shape<100>>(indices(1000, 0), 10);
    compare_sorted<float, 40, 6, ls::shape<100>>(indices(1000, 39), 10);
    compare_sorted<float, 64, 6, ls::shape<2>>({63, 0, 0, 63}, 2);
    compare_sorted<float, 65, 6, ls::shape<2>>({64, 0, 0, 64}, 2);
    compare_sorted<float, 40, 6, ls::shape<>>({23}, 1);
    compare_sorted<float, 40, 6, ls::shape<>>({}, 0);
    compare_sorted<float, 1, 6, ls::shape<3>>({0, 0, 0}, 1);
}

TEST_CASE("sums of rows by sorted indices that all samples share") {
    compare_sorted<double, 30, 8, ls::shape<4, 25>, false>(random_indices(100, 30), 7);
    compare_sorted<float, 30, 8, ls::shape<1>, false>({29}, 0);
}

TEST_CASE("indices are sorted where there are many for a large table") {
    using index = ls::leaf<ls::operand_tag<1>, ls::shape<1024>, true, ls::leaf_content::class_index>;
    // GPT-2's: of 8192 words and of 1024.
    using words = ls::grid::sorted_scatter<float, float, 50257, operand<0, ls::shape<1024, 768>>, index>;
    static_assert(words::pays(8) && words::pays(1) && !words::pays(0));
    static_assert(words::bits == 16);
    using columns_of_256 = ls::grid::sorted_scatter<float, float, 4096, operand<0, ls::shape<1024, 256>>, index>;
    static_assert(first_number_of_samples<columns_of_256>() == 16);
    static_assert(columns_of_256::bits == 12);
    // Whose indices no longer have numbers of 32 bits.
    static_assert(columns_of_256::pays((1 << 21) - 1) && !columns_of_256::pays(1 << 21));
    // Whose sums are cut into parts.
    using bytes = ls::grid::sorted_scatter<float, float, 256, operand<0, ls::shape<1024, 512>>, index>;
    static_assert(!bytes::pays(1 << 20));
}
