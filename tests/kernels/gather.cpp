// SPDX-License-Identifier: MIT
// Rows of tables by index for a grid against those of a host, and the sums of rows with the same index.
#include "member_order.hpp"

#include <lockstep/expression/gather.hpp>

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
    using whole = ls::grid::scatter_sum<float, 10, operand<0, ls::shape<64, 300>>, index>;
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
