// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/npy.hpp>

#include <algorithm>
#include <span>
#include <utility>

using namespace lockstep;

fuzz_target(content) {
    npy_file const file{detail::random_access_file{"fuzz", std::move(content)}};
    if (file.rows() == 0) return;
    std::vector<std::int32_t> integers(static_cast<std::size_t>(file.row_size()));
    std::vector<float> numbers(integers.size());
    for (std::int64_t row = 0; row < std::min<std::int64_t>(file.rows(), 64); ++row) {
        file.read_row(row, std::span{numbers});
        file.read_row(row, std::span{integers});
        for (std::size_t i = 0; i < numbers.size(); ++i)
            testing::require(numbers[i] == static_cast<float>(integers[i]), "a number is the same in all types");
    }
}
