// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/input_file.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// The content of an IDX file of bytes: elements in row-major order, the first extent counts samples.
struct idx_content {
    std::vector<std::int64_t> extents;
    std::vector<std::uint8_t> elements;
};

namespace detail {

/// The name of an element type by its code in the third byte; empty where the format has none.
constexpr std::string_view idx_element_name(unsigned char code) {
    switch (code) {
    case 0x08:
        return "unsigned byte";
    case 0x09:
        return "signed byte";
    case 0x0b:
        return "short";
    case 0x0c:
        return "int";
    case 0x0d:
        return "float";
    case 0x0e:
        return "double";
    default:
        return "";
    }
}

inline data_error idx_truncated(input_file const& file, std::string const& expected) {
    return file_error(file.path(), file.compressed() ? "truncated IDX file (gzip)" : "truncated IDX file",
                      expected + " bytes" + (file.compressed() ? " after decompression" : ""),
                      std::to_string(file.position()));
}

inline idx_content read_idx(input_file& file) {
    auto const& path = file.path();
    // Two zero bytes, the element type, the rank; then the extents, 4 bytes each, the highest first.
    std::array<unsigned char, 4> magic{};
    auto const found = file.read(magic);
    if (found == 0 && !file.compressed()) throw file_error(path, "empty file", "an IDX file", "0 bytes");
    if (found < magic.size()) throw idx_truncated(file, "an IDX header of at least 8");
    auto const element = idx_element_name(magic[2]);
    if (magic[0] != 0 || magic[1] != 0 || element.empty() || magic[3] == 0)
        throw file_error(path, "no IDX file", "the first bytes 0x0000, an element type (0x08 for bytes) and a rank",
                         hex_text(magic));
    if (magic[2] != 0x08)
        throw file_error(path, "wrong element type", "unsigned byte (0x08)",
                         std::string{element} + " (" + hex_text(std::span{magic}.subspan(2, 1)) + ")");

    idx_content content;
    // Room for the header's own 4 + 4 x 255 bytes at most, so that byte counts in messages don't overflow.
    constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max() - 2048;
    std::int64_t total = 1;
    bool overflow = false;
    for (int axis = 0; axis < magic[3]; ++axis) {
        std::array<unsigned char, 4> bytes{};
        if (file.read(bytes) < bytes.size())
            throw idx_truncated(file, "an IDX header of " + std::to_string(4 + 4 * magic[3]));
        std::int64_t extent = 0;
        for (auto const byte : bytes) extent = extent * 256 + byte;
        content.extents.push_back(extent);
        overflow = overflow || (extent > 0 && total > largest / extent);
        total = overflow ? total : total * extent;
    }
    if (overflow)
        throw file_error(path, "impossible extents", "at most " + std::to_string(largest) + " elements",
                         extents_text(content.extents));

    auto const file_bytes = file.position() + total;
    content.elements = read_at_most(file, total);
    if (file.position() < file_bytes) throw idx_truncated(file, std::to_string(file_bytes));
    std::array<unsigned char, 1> more{};
    if (file.read(more) > 0)
        throw file_error(path, "trailing bytes",
                         std::to_string(file_bytes) + " bytes for the extents " + extents_text(content.extents),
                         "more");
    if (file.ended_early())
        throw file_error(path, "truncated gzip file",
                         "a checksum after " + std::to_string(file_bytes) + " uncompressed bytes",
                         "the end of the file");
    return content;
}

} // namespace detail

/// Reads an IDX file of unsigned bytes (the format of MNIST: http://yann.lecun.com/exdb/mnist), plain or
/// gzip. Throws data_error for a file that is missing, unreadable, no IDX, of other elements, truncated,
/// damaged or longer than its extents say.
inline idx_content read_idx(std::filesystem::path const& path) {
    detail::input_file file{path};
    return detail::read_idx(file);
}

} // namespace lockstep
