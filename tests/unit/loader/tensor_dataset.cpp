// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/tensor_dataset.hpp>

#include <doctest/doctest.h>

#include <array>
#include <concepts>
#include <numeric>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<tensor_dataset<shape<2>>> && dataset<tensor_dataset<shape<2>, shape<3, 4>, float>>);
static_assert(dataset<tensor_dataset<class_indices<9, 4>, shape<4>>>);
static_assert(!dataset<tensor<float, shape<2>>>);

namespace {

/// Counted through from 0.
template <class Element, class Shape>
tensor<Element, Shape> counted(std::int64_t count) {
    tensor<Element, Shape> result(count);
    std::iota(result.elements().begin(), result.elements().end(), Element{});
    return result;
}

} // namespace

TEST_CASE("tensor_dataset reads samples with their targets") {
    tensor_dataset const data{counted<float, shape<2>>(3), {7, 8, 9}};
    static_assert(std::same_as<decltype(data), tensor_dataset<shape<2>> const>);
    auto const copy = data;
    CHECK(copy.size() == 3);
    std::array<float, 2> sample{};
    CHECK(copy.read(2, sample) == 9);
    CHECK(sample == std::array{4.0F, 5.0F});
}

TEST_CASE("tensor_dataset takes targets of any shape and elements of any type") {
    tensor_dataset const pairs{counted<std::uint8_t, shape<2>>(3), counted<float, shape<3>>(3)};
    std::array<std::uint8_t, 2> sample{};
    std::array<float, 3> targets{};
    pairs.read(1, sample, targets);
    CHECK(sample == std::array<std::uint8_t, 2>{2, 3});
    CHECK(targets == std::array{3.0F, 4.0F, 5.0F});

    tensor_dataset const text{counted<std::int32_t, class_indices<12, 4>>(3), counted<std::int32_t, shape<4>>(3)};
    std::array<std::int32_t, 4> tokens{};
    std::array<std::int32_t, 4> next{};
    text.read(2, tokens, next);
    CHECK(tokens == std::array{8, 9, 10, 11});
    CHECK(next == tokens);
}

TEST_CASE("tensor_dataset refuses inputs without targets") {
    CHECK(message_of<usage_error>([] { tensor_dataset{tensor<float, shape<2>>(3), {1, 2}}; }) ==
          "tensor_dataset: inputs and targets differ in number: expected a target for each of 3 samples, "
          "found 2");
    CHECK_THROWS_AS((tensor_dataset{tensor<float, shape<2>>(3), tensor<float, shape<1>>(4)}), usage_error);
}
