// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/idx.hpp>

#include <utility>

using namespace lockstep;

fuzz_target(content) {
    detail::input_file file{"fuzz", std::move(content)};
    auto const read = detail::read_idx(file);
    std::size_t size = 1;
    for (auto const extent : read.extents) size *= static_cast<std::size_t>(extent);
    testing::require(read.elements.size() == size, "there are as many elements as the extents say");
}
