// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/train/safetensors.hpp>

#include <span>

namespace tests {

/// One file of the index and the test that compares it.
struct reference_case {
    char const* file;
    void (*run)(lockstep::safetensors_file const&);
};
using case_table = std::span<reference_case const>;

// The cases, a source file for each kind.
case_table layer_cases();
case_table activation_cases();
case_table convolution_cases();
case_table loss_cases();
case_table optimizer_cases();
case_table schedule_cases();
case_table training_cases();

} // namespace tests
