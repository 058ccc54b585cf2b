// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/csv_dataset.hpp>

#include <array>
#include <cmath>
#include <utility>

using namespace lockstep;

namespace {

template <class Data>
Data opened(testing::bytes content, csv_schema const& schema) {
    return Data{detail::input_file{"fuzz", std::move(content)}, schema};
}

} // namespace

fuzz_target(content) {
    auto const rows = opened<csv_dataset<shape<2>>>(content, {.targets = {0}, .header = false, .skip_bad_rows = true});
    std::array<float, 2> input{};
    for (std::int64_t i = 0; i < rows.size(); ++i) {
        rows.read(i, input);
        testing::require(std::isfinite(input[0]) && std::isfinite(input[1]), "numbers are finite");
    }
    // Without a bad row the strict reader reads the same.
    csv_schema const strict{.targets = {0}, .header = false};
    if (rows.skipped().empty())
        testing::require(opened<csv_dataset<shape<2>>>(content, strict).size() == rows.size(), "rows are as many");
    opened<csv_dataset<shape<2>>>(content, {.targets = {"kind"}, .classes = {"a", "b"}});
}
