// SPDX-License-Identifier: MIT
// Reductions over any axes of any rank against plain loops in PyTorch's order.
#include "random_shapes.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/expression/reduce.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

namespace {

using namespace random_shapes;

struct x_tag {};

constexpr int samples = 3;

/// Some of a shape's axes, in every second case counted from the last one; none means all of them.
template <class Shape, unsigned Seed>
struct chosen_axes {
    int count = 0;
    std::array<int, 4> axis{};

    constexpr chosen_axes() {
        for (int a = 0; a < Shape::rank; ++a)
            if (number(Seed, 40 + static_cast<unsigned>(a)) % 2 == 0)
                axis[static_cast<std::size_t>(count++)] = Seed % 2 == 0 ? a : a - Shape::rank;
    }
};

/// The sum of a chain in x, the mean and the maximum of x, and the sum's and the maximum's gradients.
template <class Shape, bool PerSample, unsigned Seed, int... Axes>
void compare_reductions() {
    constexpr ls::leaf<x_tag, Shape, PerSample> x;
    constexpr ls::extents from = ls::extents_of<Shape>();
    constexpr auto sum = ls::sum<Axes...>(x * x + x);
    constexpr auto mean = ls::mean<Axes...>(x);
    constexpr auto max = ls::max<Axes...>(x);
    using to_shape = typename std::remove_cvref_t<decltype(max)>::result_shape;
    constexpr ls::extents to = ls::extents_of<to_shape>();
    constexpr double share = static_cast<double>(to_shape::size) / static_cast<double>(Shape::size);

    std::int64_t const count = PerSample ? samples : 1;
    auto const values = elements(Shape::size * count, Seed);
    auto const results = static_cast<std::size_t>(to_shape::size * count);
    std::vector<double> sums(results), means(results), maxima(results, -std::numeric_limits<double>::infinity());
    std::vector<double> sum_gradient(values.size()), max_gradient(values.size());
    auto for_each_element = [&](auto&& visit) {
        for (std::int64_t n = 0; n < count; ++n)
            for_each_place(from, [&](place const& at) {
                visit(static_cast<std::size_t>(n * Shape::size + element_at(from, at)),
                      static_cast<std::size_t>(n * to_shape::size + element_at(to, at, from.rank)));
            });
    };
    for_each_element([&](std::size_t i, std::size_t k) {
        sums[k] += values[i] * values[i] + values[i];
        means[k] += share * values[i];
        maxima[k] = std::max(maxima[k], values[i]);
        sum_gradient[i] = 2.0 * values[i] + 1.0;
    });
    for_each_element([&](std::size_t i, std::size_t k) { max_gradient[i] = values[i] == maxima[k] ? 1.0 : 0.0; });

    auto const found = ls::evaluate<double, ls::host::portable>(
        std::tuple{sum, mean, max, gradient(sum, x), gradient(max, x)}, ls::given(x, values));
    INFO("case ", Seed, ": ", to_string(from), " to ", to_string(to));
    CHECK(largest_difference(std::get<0>(found).elements(), sums) < 1e-13);
    CHECK(largest_difference(std::get<1>(found).elements(), means) < 1e-13);
    CHECK(largest_difference(std::get<2>(found).elements(), maxima) == 0.0);
    CHECK(largest_difference(std::get<3>(found).elements(), sum_gradient) < 1e-15);
    CHECK(largest_difference(std::get<4>(found).elements(), max_gradient) == 0.0);
}

/// Down to a part of the shape and over all samples.
template <unsigned Seed>
void compare_batch_sum() {
    using whole = shape_of<Seed>;
    using part = part_of<whole, Seed>;
    constexpr ls::leaf<x_tag, whole, true> x;
    constexpr ls::extents from = ls::extents_of<whole>(), to = ls::extents_of<part>();
    auto const values = elements(whole::size * samples, Seed);
    std::vector<double> expected(part::size);
    double total = 0.0;
    for (std::int64_t n = 0; n < samples; ++n)
        for_each_place(from, [&](place const& at) {
            double const value = values[static_cast<std::size_t>(n * whole::size + element_at(from, at))];
            expected[static_cast<std::size_t>(element_at(to, at, from.rank))] += value;
            total += value;
        });
    auto const [sum, all] = ls::evaluate<double, ls::host::portable>(
        std::tuple{ls::sum_to<part, false>(x), ls::sum_over_batch(x)}, ls::given(x, values));
    INFO("case ", Seed, ": ", to_string(from), " to ", to_string(to));
    CHECK(largest_difference(sum.elements(), expected) < 1e-13);
    CHECK(all.elements()[0] == doctest::Approx(total).epsilon(1e-13));
}

template <unsigned Seed>
void compare_axes() {
    using whole = shape_of<Seed, 1>;
    constexpr chosen_axes<whole, Seed> axes;
    [axes]<std::size_t... I>(std::index_sequence<I...>) {
        compare_reductions<whole, Seed % 3 != 0, Seed, axes.axis[I]...>();
    }(std::make_index_sequence<static_cast<std::size_t>(axes.count)>{});
}

} // namespace

TEST_CASE("reductions over any axes are what plain loops compute, and their gradients too") {
    for_each_case<24>([]<unsigned Seed> { compare_axes<Seed>(); });
}

TEST_CASE("sums over all samples are what plain loops compute") {
    for_each_case<16>([]<unsigned Seed> { compare_batch_sum<Seed>(); });
}

TEST_CASE("long rows and many of them are summed whole") {
    // Longer than a block of 128 rows, and no multiple of any vector.
    constexpr ls::leaf<x_tag, ls::shape<301, 67>, true> x;
    auto const values = elements(2 * 301 * 67, 1);
    auto const [rows, columns, all, largest] = ls::evaluate<double, ls::host::portable>(
        std::tuple{ls::sum<1>(x), ls::sum<0>(x), ls::sum(x), ls::max<0>(x)}, ls::given(x, values));
    std::vector<double> by_row(2 * 301), by_column(2 * 67), total(2), maxima(2 * 67, -2.0);
    for (std::size_t n = 0; n < 2; ++n)
        for (std::size_t r = 0; r < 301; ++r)
            for (std::size_t c = 0; c < 67; ++c) {
                double const value = values[(n * 301 + r) * 67 + c];
                by_row[n * 301 + r] += value;
                by_column[n * 67 + c] += value;
                total[n] += value;
                maxima[n * 67 + c] = std::max(maxima[n * 67 + c], value);
            }
    CHECK(largest_difference(rows.elements(), by_row) < 1e-12);
    CHECK(largest_difference(columns.elements(), by_column) < 1e-12);
    CHECK(largest_difference(all.elements(), total) < 1e-11);
    CHECK(largest_difference(largest.elements(), maxima) == 0.0);
}

TEST_CASE("equal maxima share a gradient, and a NaN is the maximum") {
    constexpr ls::variable<x_tag, ls::shape<4>> x;
    std::vector<double> values{2.0, -1.0, 2.0, 0.0};
    auto const slope = ls::evaluate<double>(gradient(ls::max(x), x), ls::given(x, values));
    // torch.tensor([2., -1., 2., 0.]).amax().backward() spreads the gradient evenly.
    CHECK(largest_difference(slope.elements(), {0.5, 0.0, 0.5, 0.0}) == 0.0);
    values[1] = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(ls::evaluate<double>(ls::max(x), ls::given(x, values)).elements()[0]));
}
