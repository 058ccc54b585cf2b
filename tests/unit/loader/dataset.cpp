// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/dataset.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<tensor_dataset<shape<2>>>);
static_assert(!dataset<tensor<float, shape<2>>>);

TEST_CASE("tensor_dataset reads samples with their targets") {
    tensor<float, shape<2>> inputs(3);
    for (int i = 0; i < 6; ++i) inputs.data()[i] = static_cast<float>(i);
    tensor_dataset const data{std::move(inputs), {7, 8, 9}};
    auto const copy = data;
    CHECK(copy.size() == 3);
    std::array<float, 2> sample{};
    CHECK(copy.read(2, sample) == 9);
    CHECK(sample == std::array{4.0F, 5.0F});
}

TEST_CASE("tensor_dataset refuses inputs without targets") {
    CHECK(message_of<usage_error>([] {
              tensor_dataset{tensor<float, shape<2>>(3), {1, 2}};
          }) == "tensor_dataset: inputs and targets differ in number: expected a target for each of 3 samples, "
                "found 2");
}
