// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/train/safetensors.hpp>

#include <span>
#include <vector>

namespace tests {

/// One file of the index and the test that compares it.
struct reference_case {
    char const* file;
    void (*run)(lockstep::safetensors_file const&);
};

/// The cases of all sources that a program is made of.
inline std::vector<reference_case>& all_cases() {
    static std::vector<reference_case> all;
    return all;
}

/// A source's cases, which it adds before main begins.
struct added_cases {
    explicit added_cases(std::span<reference_case const> cases) {
        all_cases().insert(all_cases().end(), cases.begin(), cases.end());
    }
};

} // namespace tests
