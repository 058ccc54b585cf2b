// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/convert.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/npy_header.hpp>
#include <lockstep/loader/random_access_file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace lockstep {

/// An array that NumPy has saved, numpy.save(path, array): rows along the first axis, read from the file as they are
/// asked for, by several threads at once. Copies share the open file.
class npy_file {
public:
    /// Throws data_error for a file that is missing, no NPY file of versions 1 to 3, of elements other than bool,
    /// integers, float32 and float64 in little-endian order, in Fortran's order, or not as long as its shape says.
    explicit npy_file(std::filesystem::path path) : npy_file(detail::random_access_file{std::move(path)}) {}

    explicit npy_file(detail::random_access_file file)
        : file_(std::move(file)), header_(detail::read_npy_header(file_)) {
        for (std::size_t axis = 1; axis < header_.extents.size(); ++axis) row_size_ *= header_.extents[axis];
    }

    std::filesystem::path const& path() const { return file_.path(); }
    /// All extents, the first of which counts rows.
    std::vector<std::int64_t> const& extents() const { return header_.extents; }
    std::int64_t rows() const { return header_.extents.front(); }
    /// Elements of a row.
    std::int64_t row_size() const { return row_size_; }

    /// Writes the row_size() elements of row `index`, 0 <= index < rows(), as T. Throws data_error for a number that T
    /// cannot hold: out of its range, or a fraction for an integer; and where the file has become shorter.
    template <class T>
    void read_row(std::int64_t index, std::span<T> row) const {
        detail::with_npy_type(header_.type, [&]<class Stored>(Stored) {
            auto offset = header_.data_offset + index * row_size_ * std::int64_t{sizeof(Stored)};
            if constexpr (std::is_same_v<Stored, T>) {
                file_.read(offset, {reinterpret_cast<unsigned char*>(row.data()), row.size_bytes()});
            } else {
                // In pieces on the stack: a sample costs no allocation.
                std::array<Stored, 8192 / sizeof(Stored)> piece;
                for (std::size_t done = 0; done < row.size(); done += piece.size()) {
                    auto const values = std::span{piece}.first(std::min(piece.size(), row.size() - done));
                    file_.read(offset, {reinterpret_cast<unsigned char*>(values.data()), values.size_bytes()});
                    offset += static_cast<std::int64_t>(values.size_bytes());
                    for (std::size_t i = 0; i < values.size(); ++i)
                        if (!detail::convert(values[i], row[done + i]))
                            throw detail::file_error(path(), "number out of range", detail::range_text<T>(),
                                                     std::to_string(values[i]) + " in row " + std::to_string(index));
                }
            }
        });
    }

private:
    detail::random_access_file file_;
    detail::npy_header header_;
    std::int64_t row_size_ = 1;
};

} // namespace lockstep
