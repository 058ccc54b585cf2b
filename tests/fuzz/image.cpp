// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <lockstep/loader/image_folder.hpp>

#include <vector>

using namespace lockstep;

namespace {

void decode(testing::bytes const& content, int channels, int height, int width) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(channels * height * width));
    try {
        detail::decode_image(content, "fuzz", {pixels.data(), channels, height, width});
    } catch (data_error const&) {
        // The next shape may be the image's.
    }
}

} // namespace

fuzz_target(content) {
    decode(content, 3, 3, 4);
    decode(content, 1, 3, 4);
    decode(content, 3, 12, 16);
    decode(content, 1, 12, 16);
}
