// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace lockstep::testing {

using bytes = std::vector<unsigned char>;

/// Calls with the bytes of a file. That it is refused is fine, any other exception is a bug: it ends the program.
inline int refused_or(std::uint8_t const* data, std::size_t size, void (*use)(bytes)) {
    try {
        use({data, data + size});
    } catch (data_error const&) {}
    return 0;
}

/// What holds of every file that is not refused.
inline void require(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::abort();
}

} // namespace lockstep::testing

/// fuzz_target(content) { ... }: libFuzzer's entry, with the bytes of a file as `content`.
#define fuzz_target(content)                                                                                           \
    static void use_file(lockstep::testing::bytes content);                                                            \
    extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {                                \
        return lockstep::testing::refused_or(data, size, use_file);                                                    \
    }                                                                                                                  \
    static void use_file(lockstep::testing::bytes content)
