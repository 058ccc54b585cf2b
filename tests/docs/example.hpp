// SPDX-License-Identifier: MIT
// What the examples of docs/reference and docs/loading.md may use without saying so.
#pragma once

#include "../unit/loader/idx_file.hpp"

#include <lockstep/lockstep.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace ls = lockstep;

/// A statement of an example that must hold.
inline void expect(bool holds, std::source_location at = std::source_location::current()) {
    INFO(std::string(at.file_name()), ":", at.line());
    CHECK(holds);
}

/// Whether elements are these numbers, but for rounding.
template <class Elements>
bool near(Elements const& elements, std::vector<double> const& numbers) {
    return std::ranges::equal(elements, numbers, [](double a, double b) {
        return std::abs(a - b) < 1e-5 * (1 + std::abs(b));
    });
}
inline bool near(double element, double number) { return near(std::array{element}, {number}); }

// Files for examples that read some, in a temporary_directory.
using lockstep::testing::bytes;
using lockstep::testing::idx_bytes;
using lockstep::testing::temporary_directory;
using lockstep::testing::write;

inline std::filesystem::path write_file(std::filesystem::path const& path, std::string_view text) {
    return write(path, {text.begin(), text.end()});
}

/// An array of a row a sample, as numpy.save writes it.
template <class T, class Shape>
void write_npy(std::filesystem::path const& path, ls::tensor<T, Shape> const& rows) {
    std::string header = std::is_same_v<T, float> ? "{'descr': '<f4'" : "{'descr': '<i4'";
    header += ", 'fortran_order': False, 'shape': (" + std::to_string(rows.count()) + ",";
    for (auto const extent : Shape::extents) header += std::to_string(extent) + ",";
    header += ")}\n";
    bytes file{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<unsigned char>(header.size()), 0};
    file.insert(file.end(), header.begin(), header.end());
    auto const elements = std::as_bytes(rows.elements());
    for (auto const byte : elements) file.push_back(static_cast<unsigned char>(byte));
    write(path, file);
}

/// A PNG image of 4 by 3 pixels.
inline void copy_image(std::filesystem::path const& path) {
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::copy_file(std::filesystem::path{LOCKSTEP_SOURCE_DIR} / "tests/fuzz/corpus/image/rgb.png", path);
}
