// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/image_files.hpp>
#include <lockstep/loader/image_pixels.hpp>
#include <lockstep/loader/jpeg.hpp>
#include <lockstep/loader/png.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lockstep {

namespace detail {

/// Decodes an image of either format, known by its first bytes.
inline void decode_image(std::span<unsigned char const> file, std::filesystem::path const& path, image_pixels into) {
    constexpr std::array<unsigned char, 4> png{0x89, 'P', 'N', 'G'};
    constexpr std::array<unsigned char, 3> jpeg{0xff, 0xd8, 0xff};
    auto const begins_with = [file](auto const& magic) {
        return file.size() >= magic.size() && std::ranges::equal(magic, file.first(magic.size()));
    };
    if (begins_with(png)) return decode_png(file, path, into);
    if (begins_with(jpeg)) return decode_jpeg(file, path, into);
    throw file_error(path, "no image", "a PNG or JPEG image", first_bytes_text(file));
}

} // namespace detail

/// PNG and JPEG images in a directory for each class, read and decoded as they are asked for, by several threads at
/// once, to bytes of `shape<1, height, width>` (grey) or `shape<3, height, width>` (red, green, blue; grey is all
/// three):
///
///     image_folder<shape<3, 64, 64>> data{"flowers"};      // flowers/daisy/1.jpg, flowers/rose/a.png, ...
///     image_folder<shape<3, 64, 64>> packed{"flowers.zip"};
///
/// Classes are numbered in the order of their names, byte by byte, and images follow each other in that order too. They
/// lie at any depth below their class and end with .png, .jpg or .jpeg; other files, names that begin with a dot and
/// links to directories, but for those of classes, are left out. A ZIP archive of the directory is the packed form: one
/// open file instead of one a sample.
template <any_shape Shape>
class image_folder {
public:
    using sample_shape = Shape;
    using element = std::uint8_t;

    /// Throws data_error for a directory that is missing or cannot be read, for one without classes, a class without
    /// images, and a file that is no ZIP archive.
    explicit image_folder(std::filesystem::path const& path) : files_(std::make_shared<detail::image_files>(path)) {}

    std::int64_t size() const { return files_->size(); }
    /// The names of the classes, by their index.
    std::vector<std::string> const& classes() const { return files_->classes(); }
    /// The file of an image; of an archive's, its path and the image's name there.
    std::filesystem::path path(std::int64_t index) const { return files_->path(index); }

    /// Throws data_error, with the file's name, for an image that cannot be read, is damaged, of another size, or
    /// coloured where it is to be grey.
    std::int32_t read(std::int64_t index, std::span<std::uint8_t> input) const {
        detail::decode_image(files_->read(index), path(index),
                             {input.data(), Shape::extents[0], Shape::extents[1], Shape::extents[2]});
        return files_->class_of(index);
    }

private:
    static_assert(Shape::rank == 3 && (Shape::extents[0] == 1 || Shape::extents[0] == 3),
                  "images are of shape<1, height, width> or shape<3, height, width>");

    std::shared_ptr<detail::image_files const> files_;
};

} // namespace lockstep
