// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace lockstep::detail {

/// Where an image is to be decoded to: bytes of `channels` planes, 1 of grey or 3 of red, green and blue.
struct image_pixels {
    std::uint8_t* data;
    int channels;
    int height;
    int width;

    /// Throws data_error for an image of another size, and for a coloured one that is to be grey: there is more than
    /// one way to make it so.
    void check(std::filesystem::path const& path, std::int64_t found_width, std::int64_t found_height,
               bool coloured) const {
        if (found_width != width || found_height != height)
            throw file_error(path, "image of another size", size_text(width, height),
                             size_text(found_width, found_height));
        if (coloured && channels == 1) throw file_error(path, "coloured image", "a grey one", "colours");
    }

    /// Writes pixels that lie one after another, row by row, with `stored_channels` bytes each, of which the first are
    /// those that are wanted.
    void write(std::uint8_t const* interleaved, int stored_channels) const {
        std::int64_t const size = std::int64_t{height} * width;
        for (int channel = 0; channel < channels; ++channel)
            for (std::int64_t i = 0; i < size; ++i)
                data[channel * size + i] = interleaved[i * stored_channels + channel];
    }

private:
    static std::string size_text(std::int64_t width, std::int64_t height) {
        return std::to_string(width) + " x " + std::to_string(height) + " pixels";
    }
};

} // namespace lockstep::detail
