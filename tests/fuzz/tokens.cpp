// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/token_dataset.hpp>

#include <array>
#include <utility>

using namespace lockstep;

fuzz_target(content) {
    auto const stored = content.empty() ? token_type::uint16 : static_cast<token_type>(content.back() % 3);
    token_dataset<1000, 8> const tokens{detail::random_access_file{"fuzz", std::move(content)}, stored, 3};
    std::array<std::int32_t, 8> input{}, targets{};
    for (std::int64_t i = 0; i < tokens.size(); ++i) {
        tokens.read(i, input, targets);
        for (std::size_t k = 0; k < 7; ++k)
            testing::require(input[k + 1] == targets[k] && targets[k] >= 0 && targets[k] < 1000,
                             "targets are the tokens that follow");
    }
}
