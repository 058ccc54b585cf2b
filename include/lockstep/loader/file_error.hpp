// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::detail {

/// The error of a file that is not what a reader needs.
inline data_error file_error(std::filesystem::path const& file, std::string const& what, std::string const& expected,
                             std::string const& found) {
    return data_error{file.string() + ": " + what + ": expected " + expected + ", found " + found};
}

/// "0x1f8b"
inline std::string hex_text(std::span<unsigned char const> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "0x";
    for (auto const byte : bytes) {
        text += digits[byte / 16U];
        text += digits[byte % 16U];
    }
    return text;
}

/// What a file begins with, for errors: "0x1f8b0800", "an empty file".
inline std::string first_bytes_text(std::span<unsigned char const> file) {
    return file.empty() ? "an empty file" : hex_text(file.first(std::min<std::size_t>(file.size(), 4)));
}

/// "[60000, 28, 28]"
inline std::string extents_text(std::span<std::int64_t const> extents) {
    std::string text = "[";
    for (auto const extent : extents) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

/// The extents of any number of samples: "[count, 1, 28, 28]".
template <any_shape Shape>
std::string extents_text() {
    std::string text = "[count";
    for (int const extent : Shape::extents) text += ", " + std::to_string(extent);
    return text + "]";
}

/// Whether a file's extents, the first of which counts samples, are those of the shape, up to extents of 1: images
/// of one channel are stored with it and without.
template <any_shape Shape>
bool has_extents(std::span<std::int64_t const> extents) {
    if (extents.empty()) return false;
    std::vector<std::int64_t> found, expected;
    for (auto const extent : extents.subspan(1))
        if (extent != 1) found.push_back(extent);
    for (auto const extent : Shape::extents)
        if (extent != 1) expected.push_back(extent);
    return found == expected;
}

} // namespace lockstep::detail
