// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/image_pixels.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#if LOCKSTEP_WITH_PNG
#include <png.h>
#endif

namespace lockstep::detail {

#if LOCKSTEP_WITH_PNG

/// Decodes a PNG image with 8 bits a channel, whatever it is stored with. Transparency is dropped: what lies below is
/// not known.
inline void decode_png(std::span<unsigned char const> file, std::filesystem::path const& path, image_pixels into) {
    struct image_owner {
        png_image image{};
        ~image_owner() { png_image_free(&image); }
    } owner;
    auto& image = owner.image;
    image.version = PNG_IMAGE_VERSION;
    auto const damaged = [&] { return file_error(path, "unreadable PNG image", "a whole one", image.message); };
    if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0) throw damaged();
    into.check(path, image.width, image.height, (image.format & PNG_FORMAT_FLAG_COLOR) != 0);
    // Otherwise libpng takes 16 bits for linear light.
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    bool const transparent = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
    image.format = (into.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY) | (transparent ? PNG_FORMAT_FLAG_ALPHA : 0U);
    int const stored_channels = into.channels + (transparent ? 1 : 0);
    std::vector<std::uint8_t> interleaved(static_cast<std::size_t>(into.width * into.height * stored_channels));
    if (png_image_finish_read(&image, nullptr, interleaved.data(), 0, nullptr) == 0 || PNG_IMAGE_FAILED(image))
        throw damaged();
    into.write(interleaved.data(), stored_channels);
}

#else

inline void decode_png(std::span<unsigned char const>, std::filesystem::path const& path, image_pixels) {
    throw file_error(path, "PNG image", "other files, as this build has no libpng",
                     "one (install libpng, Debian package libpng-dev, and configure again)");
}

#endif

} // namespace lockstep::detail
