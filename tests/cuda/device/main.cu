// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <lockstep/device/cuda/device.hpp>

#include <cstdio>

// ctest counts this status as skipped.
constexpr int skipped = 77;

int main(int argc, char** argv) {
    lockstep::gpu::devices_found const found = lockstep::gpu::find_devices();
    if (found.count == 0) {
        std::printf("skipped: %s\n", found.reason.c_str());
        return skipped;
    }
    return doctest::Context(argc, argv).run();
}
