// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/npy.hpp>
#include <lockstep/loader/random_access_file.hpp>
#include <lockstep/loader/zip_file.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lockstep {

/// Several of NumPy's arrays in one file, numpy.savez(path, x=..., y=...) or numpy.savez_compressed: `archive["x"]`.
class npz_file {
public:
    /// Throws data_error for a file that is missing, no NPZ file or damaged, and where this build has no zlib.
    explicit npz_file(std::filesystem::path path) : npz_file(detail::random_access_file{std::move(path)}) {}
    explicit npz_file(detail::random_access_file file) : zip_(std::move(file)) {}

    /// The names of the arrays, in the archive's order.
    std::vector<std::string> names() const {
        std::vector<std::string> result;
        for (auto const& member : zip_.members()) result.push_back(name_of(member));
        return result;
    }

    /// The array, read into memory. Throws data_error for a name that is not there and what npy_file refuses.
    npy_file operator[](std::string_view name) const {
        for (auto const& member : zip_.members())
            if (name_of(member) == name)
                return npy_file{detail::random_access_file{zip_.path_of(member), zip_.read(member)}};
        std::string found;
        for (auto const& other : names()) found += (found.empty() ? "" : ", ") + other;
        throw detail::file_error(zip_.path(), "no such array", std::string{name}, found.empty() ? "none" : found);
    }

private:
    static std::string name_of(detail::zip_member const& member) {
        constexpr std::string_view suffix = ".npy";
        return member.name.ends_with(suffix) ? member.name.substr(0, member.name.size() - suffix.size()) : member.name;
    }

    detail::zip_file zip_;
};

} // namespace lockstep
