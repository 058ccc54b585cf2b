// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/cifar.hpp>

#include <array>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

using namespace lockstep;

fuzz_target(content) {
    // A file in memory, under a path: this reader takes several.
    static int const file = memfd_create("fuzz", 0);
    testing::require(ftruncate(file, 0) == 0, "the file is empty");
    auto const written = pwrite(file, content.data(), content.size(), 0);
    testing::require(written == static_cast<ssize_t>(content.size()), "the file is written");
    cifar_dataset const data{{"/proc/self/fd/" + std::to_string(file)}, 1, 0, 10};
    std::array<std::uint8_t, 3072> image{};
    for (std::int64_t i = 0; i < data.size(); ++i) testing::require(data.read(i, image) < 10, "labels are classes");
}
