// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

using namespace tests;

TEST_CASE("PyTorch's results are ours") {
    for (reference_case const& each : all_cases())
        SUBCASE(each.file) { each.run(ls::safetensors_file::read(golden_path("data/" + std::string(each.file) + ".safetensors"))); }
}
