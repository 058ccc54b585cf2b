// SPDX-License-Identifier: MIT
// Reductions for a grid against those of a host, over any axes, to results of each sample and of all.
#include "../unit/device/random_shapes.hpp"
#include "member_order.hpp"

#include <lockstep/expression/function/transcendental.hpp>
#include <lockstep/expression/reduce.hpp>

#include <limits>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;
using random_shapes::for_each_case;
using random_shapes::part_of;
using random_shapes::shape_of;

template <class Shape, bool PerSample, class X>
using sum_of = ls::compute<ls::primitive::sum_to<Shape, PerSample>, X>;
template <class Shape, bool PerSample, class X>
using max_of = ls::compute<ls::primitive::max_to<Shape, PerSample>, X>;

/// Numbers that do not cancel each other.
template <class T>
std::vector<T> summands(std::int64_t size, unsigned seed) {
    auto result = random_elements<T>(size, seed);
    for (T& each : result) each += T(0.5);
    return result;
}

/// Sum and maximum of x, and the sum of a chain that reads x and a value broadcast along some of its axes.
template <class T, class Whole, class To, bool PerSample, class Broadcast = ls::shape<>>
void compare(std::int64_t samples) {
    using x = operand<0, Whole>;
    using y = operand<1, Broadcast, false>;
    using chain = decltype(x{} * x{} + y{} * x{});
    auto const values = summands<T>(Whole::size * std::max<std::int64_t>(samples, 1), 1);
    auto const others = summands<T>(Broadcast::size, 2);
    std::string const of = PerSample ? " of each of " : " of all ";
    INFO(to_string(ls::extents_of<Whole>()), " to ", to_string(ls::extents_of<To>()), of, samples, " samples");
    check_same<T, sum_of<To, PerSample, x>>({values.data()}, samples);
    check_same<T, sum_of<To, PerSample, chain>>({values.data(), others.data()}, samples);
    CHECK(on_grid<T, max_of<To, PerSample, x>>({values.data()}, samples) ==
          on_host<T, max_of<To, PerSample, x>>({values.data()}, samples));
}

/// To results of each sample and of all.
template <class T, class Whole, class To, class Broadcast = ls::shape<>>
void compare_both(std::initializer_list<std::int64_t> all_samples) {
    for (std::int64_t const samples : all_samples) {
        compare<T, Whole, To, true, Broadcast>(samples);
        compare<T, Whole, To, false, Broadcast>(samples);
    }
}

} // namespace

TEST_CASE_TEMPLATE("reductions for a grid: any axes of any rank", T, float, double) {
    for_each_case<12>([]<unsigned Seed> {
        using whole = shape_of<Seed>;
        compare_both<T, whole, part_of<whole, Seed>, part_of<whole, Seed + 100>>({0, 1, 3});
    });
}

TEST_CASE_TEMPLATE("reductions for a grid: samples and rows into columns", T, float, double) {
    // Few columns, many, and no multiple of a tile; images and matrices; one part and several.
    compare<T, ls::shape<10>, ls::shape<10>, false>(1000);
    compare<T, ls::shape<1>, ls::shape<1>, false>(5000);
    compare<T, ls::shape<300>, ls::shape<300>, false>(301);
    compare<T, ls::shape<3, 31, 17>, ls::shape<3, 1, 1>, false, ls::shape<3, 1, 1>>(5);
    compare<T, ls::shape<67, 9, 11>, ls::shape<67, 1, 1>, false, ls::shape<67, 1, 1>>(13);
    compare<T, ls::shape<37, 40>, ls::shape<40>, false>(4);
    compare<T, ls::shape<3000, 5>, ls::shape<1, 5>, true>(2);
}

TEST_CASE_TEMPLATE("reductions for a grid: rows, and everything into one number", T, float, double) {
    compare_both<T, ls::shape<7, 10>, ls::shape<7, 1>>({1, 5});
    compare_both<T, ls::shape<3, 1500>, ls::shape<3, 1>>({1, 5});
    compare_both<T, ls::shape<20011>, ls::shape<>>({0, 1, 3});
    compare_both<T, ls::shape<3, 40, 41>, ls::shape<1, 40, 41>>({2});
    compare_both<T, ls::shape<64, 7, 5, 9>, ls::shape<1, 7, 1, 9>>({3});
    compare<T, ls::shape<>, ls::shape<>, false>(70000);
}

TEST_CASE_TEMPLATE("reductions for a grid: a shared value, and an image that is a part of more", T, float, double) {
    using shared = operand<0, ls::shape<50, 6>, false>;
    auto const values = summands<T>(2 * 4 * 3 * 5, 1), more = summands<T>(300, 2);
    check_same<T, sum_of<ls::shape<6>, false, shared>>({more.data()}, 3);
    // [channels, height, width] lies channels-last, [4, channels, height, width] does not.
    compare_both<T, ls::shape<4, 5, 3, 2>, ls::shape<5, 3, 2>>({1, 3});
    compare_both<T, ls::shape<5, 3, 2>, ls::shape<3, 1>>({1, 3});
}

TEST_CASE_TEMPLATE("reductions for a grid: random numbers are those of the chain", T, float, double) {
    using x = operand<0, ls::shape<5, 33>>;
    using dropped = decltype(x{} * ls::uniform_random<1, ls::shape<5, 33>>{});
    auto const values = summands<T>(3 * 165, 1);
    check_same<T, sum_of<ls::shape<5, 1>, true, dropped>>({values.data()}, 3);
    check_same<T, sum_of<ls::shape<33>, false, dropped>>({values.data()}, 3);
}

TEST_CASE_TEMPLATE("reductions for a grid: a NaN is the maximum, and nothing's is the least", T, float, double) {
    using x = operand<0, ls::shape<9, 70>>;
    T const nan = std::numeric_limits<T>::quiet_NaN(), least = -std::numeric_limits<T>::infinity();
    auto values = summands<T>(50 * 630, 1);
    values[7 * 630 + 3 * 70 + 69] = nan;
    auto const columns = on_grid<T, max_of<ls::shape<70>, false, x>>({values.data()}, 50);
    auto const rows = on_grid<T, max_of<ls::shape<9, 1>, true, x>>({values.data()}, 50);
    for (std::size_t c = 0; c < 70; ++c) CHECK(std::isnan(columns[c]) == (c == 69));
    for (std::size_t r = 0; r < 450; ++r) CHECK(std::isnan(rows[r]) == (r == 7 * 9 + 3));
    CHECK(on_grid<T, max_of<ls::shape<>, false, x>>({values.data()}, 0) == std::vector<T>{least});
    CHECK(on_grid<T, sum_of<ls::shape<>, false, x>>({values.data()}, 0) == std::vector<T>{0});
}

TEST_CASE("reductions for a grid: long sums are cut into parts, whose memory does for fewer samples too") {
    auto const check = []<class Whole, class To, bool PerSample>(Whole, To, std::bool_constant<PerSample>,
                                                                 std::int64_t most) {
        using e = sum_of<To, PerSample, operand<0, Whole>>;
        using whole = ls::grid::reduction<float, float, ls::add_values, operand<0, Whole>, e>;
        std::int64_t largest = 1, bytes = 0;
        for (std::int64_t samples = 0; samples <= 3000; ++samples) {
            std::int64_t const parts = whole::parts(samples);
            std::int64_t const here = ls::grid::scratch_bytes_of<ls::grid::kernels_for<float, e>>(samples);
            CHECK_MESSAGE(here >= bytes, samples);
            if (parts > 1) CHECK_MESSAGE(here >= parts * whole::results(samples) * 4, samples);
            largest = std::max(largest, parts);
            bytes = here;
        }
        CHECK(largest == most);
    };
    check(ls::shape<784>{}, ls::shape<>{}, std::false_type{}, 3000 * 784 / (16 * 256));
    check(ls::shape<64, 28, 28>{}, ls::shape<64, 1, 1>{}, std::false_type{}, 512);
    check(ls::shape<100000>{}, ls::shape<>{}, std::true_type{}, 24);
    check(ls::shape<700, 300>{}, ls::shape<300>{}, std::true_type{}, 5);
    check(ls::shape<1000>{}, ls::shape<>{}, std::true_type{}, 1);
}

TEST_CASE("reductions for a grid: the order in which groups and members run changes no bit") {
    auto const check = []<class Whole, class To, bool PerSample>(Whole, To, std::bool_constant<PerSample>) {
        auto const values = summands<float>(Whole::size * 3, 1);
        for (std::int64_t const samples : {1, 3})
            check_any_order<float, sum_of<To, PerSample, operand<0, Whole>>>({values.data()}, samples, 3);
    };
    check(ls::shape<9973>{}, ls::shape<>{}, std::false_type{});
    check(ls::shape<9973>{}, ls::shape<>{}, std::true_type{});
    check(ls::shape<7, 300>{}, ls::shape<7, 1>{}, std::true_type{});
    check(ls::shape<19, 31, 17>{}, ls::shape<19, 1, 1>{}, std::false_type{});
}
