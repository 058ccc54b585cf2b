// SPDX-License-Identifier: MIT
// evaluate: expressions without a model.
#include "random_shapes.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/gather.hpp>
#include <lockstep/expression/matmul.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/expression/rows.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace random_shapes;
using ls::shape;

constexpr ls::variable<struct weights, shape<3>> w;
constexpr ls::samples<struct points, shape<3>> x;
constexpr ls::samples<struct image, shape<2, 2, 3>> pixels;
constexpr ls::samples<struct words, ls::class_indices<4, 2>> indices;
constexpr ls::variable<struct table, shape<4, 3>> rows;

std::vector<double> values_of(auto const& tensor) {
    return std::vector<double>(tensor.elements().begin(), tensor.elements().end());
}

std::string message(auto&& call) {
    try {
        call();
    } catch (ls::usage_error const& error) {
        return error.what();
    }
    return "nothing";
}

} // namespace

TEST_CASE("one call gives a value and all of its gradients, per sample or shared") {
    std::vector<double> const weights{1.0, -2.0, 0.5};
    std::vector<double> const points{1.0, 1.0, 2.0, 0.0, 3.0, -1.0};
    // w x is 0 and -6.5, so f = (0 - 1)^2 + (-6.5 - 1)^2, and the slope at each sample is 2 (w x - 1).
    auto const difference = ls::sum(w * x) - ls::number<1.0>;
    auto const f = sum_over_batch(square(difference));
    auto const [value, by_w, by_x, by_sample] = ls::evaluate<double>(
        std::tuple{f, gradient(f, w), gradient(f, x), difference}, ls::given(w, weights), ls::given(x, points));
    CHECK(values_of(value) == std::vector{57.25});
    CHECK(values_of(by_w) == std::vector{-2.0, -2.0 - 45.0, -4.0 + 15.0});
    CHECK(values_of(by_x) == std::vector{-2.0, 4.0, -1.0, -15.0, 30.0, -7.5});
    CHECK(values_of(by_sample) == std::vector{-1.0, -7.5});
    CHECK(by_w.count() == 1);
    CHECK(by_x.count() == 2);
    auto const both = gradient(f, w, x);
    CHECK(values_of(ls::evaluate<double>(std::get<1>(both), ls::given(w, weights), ls::given(x, points))) ==
          values_of(by_x));
}

TEST_CASE("the same expression twice, and a variable itself, are results too") {
    std::vector<float> const weights{1.0f, -2.0f, 0.5f};
    auto const [first, second, itself] = ls::evaluate<float>(std::tuple{w * w, w * w, w}, ls::given(w, weights));
    CHECK(values_of(first) == std::vector{1.0, 4.0, 0.25});
    CHECK(values_of(second) == values_of(first));
    CHECK(values_of(itself) == std::vector{1.0, -2.0, 0.5});
}

TEST_CASE("images come and go in PyTorch's order") {
    std::vector<double> values(24);
    for (std::size_t i = 0; i < 24; ++i) values[i] = static_cast<double>(i);
    auto const given = ls::given(pixels, values);
    CHECK(values_of(ls::evaluate<double>(pixels + pixels * ls::number<0.0>, given)) == values);
    CHECK(values_of(ls::evaluate<double>(pixels, given)) == values);
    CHECK(values_of(ls::evaluate<double>(ls::sum<1, 2>(pixels), given)) == std::vector{15.0, 51.0, 87.0, 123.0});
    CHECK(values_of(ls::evaluate<double>(ls::sum<0>(pixels), given)) ==
          std::vector{6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0});
    // An operand of lower rank is aligned at the width.
    auto const scaled = ls::evaluate<double>(pixels * w, given, ls::given(w, std::vector{1.0, 0.0, -1.0}));
    CHECK(scaled[1][5] == -17.0);
    CHECK(scaled[1][10] == 0.0);
}

TEST_CASE("class indices are int32 and look rows up") {
    std::vector<double> const values{0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0, 22.0, 30.0, 31.0, 32.0};
    std::vector<std::int32_t> const classes{3, 0, 3, 3, 1, 2};
    auto const found = gather(rows, indices);
    auto const [value, by_row] =
        ls::evaluate<double>(std::tuple{found, gradient(sum_over_batch(found * w), rows)}, ls::given(rows, values),
                             ls::given(indices, classes), ls::given(w, std::vector{1.0, 2.0, 3.0}));
    CHECK(value.count() == 3);
    CHECK(values_of(value) == std::vector{30.0, 31.0, 32.0, 0.0, 1.0, 2.0, 30.0, 31.0, 32.0, 30.0, 31.0, 32.0,
                                          10.0, 11.0, 12.0, 20.0, 21.0, 22.0});
    CHECK(values_of(by_row) == std::vector{1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 3.0, 6.0, 9.0});
}

TEST_CASE("no samples are no samples") {
    auto const [sum, each] = ls::evaluate<double>(std::tuple{sum_over_batch(x * x), ls::sum(x)},
                                                  ls::given(x, std::vector<double>{}));
    CHECK(values_of(sum) == std::vector{0.0});
    CHECK(each.count() == 0);
}

TEST_CASE("given values that do not fit are errors that say what was expected") {
    auto const f = w * x;
    std::vector<double> const three(3), four(4), six(6);
    CHECK(message([&] { ls::evaluate<double>(f, ls::given(w, four), ls::given(x, three)); }) ==
          "evaluate: expected 3 elements for a variable of shape [3], found 4");
    CHECK(message([&] { ls::evaluate<double>(f, ls::given(w, three), ls::given(x, four)); }) ==
          "evaluate: expected samples of shape [3], found 4 elements");
    CHECK(message([&] {
              ls::evaluate<double>(ls::sum(pixels) * ls::sum(x), ls::given(x, six),
                                   ls::given(pixels, std::vector<double>(12)));
          }) == "evaluate: expected 2 samples of shape [2, 2, 3], found 12 elements");
    CHECK(message([&] { ls::evaluate<double>(f, ls::given(w, three), ls::given(x, six)); }) == "nothing");
}

TEST_CASE("an index that names no row is an error") {
    std::vector<double> const values(12);
    CHECK(message([&] {
              ls::evaluate<double>(gather(rows, indices), ls::given(rows, values),
                                   ls::given(indices, std::vector{0, 4}));
          }) == "evaluate: expected class indices from 0 to 3, found 4");
    CHECK(message([&] {
              ls::evaluate<double>(gather(rows, indices), ls::given(rows, values),
                                   ls::given(indices, std::vector{-1, 0}));
          }) == "evaluate: expected class indices from 0 to 3, found -1");
}
