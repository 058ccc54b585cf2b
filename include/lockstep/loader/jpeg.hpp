// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/image_pixels.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#if LOCKSTEP_WITH_TURBOJPEG
#include <turbojpeg.h>
#endif

namespace lockstep::detail {

#if LOCKSTEP_WITH_TURBOJPEG

/// Decodes a JPEG image. Damaged data is an error, also where the library could put something else in its place.
inline void decode_jpeg(std::span<unsigned char const> file, std::filesystem::path const& path, image_pixels into) {
    struct ender {
        void operator()(tjhandle decoder) const { tjDestroy(decoder); }
    };
    std::unique_ptr<std::remove_pointer_t<tjhandle>, ender> const decoder{tjInitDecompress()};
    auto const check = [&](int status) {
        if (status != 0) throw file_error(path, "unreadable JPEG image", "a whole one", tjGetErrorStr2(decoder.get()));
    };
    if (!decoder) throw data_error{path.string() + ": libjpeg-turbo cannot be started"};
    auto const bytes = static_cast<unsigned long>(file.size());
    int width = 0, height = 0, sampling = 0, colours = 0;
    check(tjDecompressHeader3(decoder.get(), file.data(), bytes, &width, &height, &sampling, &colours));
    // A file may end before the image and still be valid: one of tables.
    if (width == 0) throw file_error(path, "unreadable JPEG image", "a whole one", "no image");
    into.check(path, width, height, colours != TJCS_GRAY);
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        throw file_error(path, "image of other colours", "red, green and blue, or grey", "CMYK");
    // Scans beyond those that an image needs are a way to keep a decoder busy for minutes.
    int const flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    std::vector<std::uint8_t> interleaved(static_cast<std::size_t>(into.width * into.height * into.channels));
    check(tjDecompress2(decoder.get(), file.data(), bytes, interleaved.data(), into.width, 0, into.height,
                        into.channels == 3 ? TJPF_RGB : TJPF_GRAY, flags));
    into.write(interleaved.data(), into.channels);
}

#else

inline void decode_jpeg(std::span<unsigned char const>, std::filesystem::path const& path, image_pixels) {
    throw file_error(path, "JPEG image", "other files, as this build has no libjpeg-turbo",
                     "one (install libjpeg-turbo, Debian package libturbojpeg0-dev, and configure again)");
}

#endif

} // namespace lockstep::detail
