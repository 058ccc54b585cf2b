// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/idx_dataset.hpp>
#include <lockstep/loader/split.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace lockstep {

/// Where the Debian package dataset-fashion-mnist puts its files.
inline constexpr char const* fashion_mnist_directory = "/usr/share/datasets/fashion-mnist";

using fashion_mnist_dataset = idx_dataset<shape<1, 28, 28>>;

namespace detail {

inline data_error no_fashion_mnist(std::filesystem::path const& path, std::string const& expected) {
    return file_error(path, "Fashion-MNIST not found", expected,
                      "nothing (the Debian package dataset-fashion-mnist installs it in " +
                          std::string{fashion_mnist_directory} + ")");
}

/// The file under its own name or, compressed, with .gz behind it.
inline std::filesystem::path find_idx(std::filesystem::path const& directory, std::string const& name) {
    for (auto const& candidate : {directory / name, directory / (name + ".gz")})
        if (std::error_code ignored; std::filesystem::exists(candidate, ignored)) return candidate;
    throw no_fashion_mnist(directory / name, "this file or " + name + ".gz");
}

} // namespace detail

/// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747): images of clothes, 28 by 28 pixels, 10
/// classes; 60,000 to train on, 10,000 to test on. Reads the four files of the original distribution,
/// train-images-idx3-ubyte and so on, gzip or not, from `directory`. Throws data_error for what is missing
/// or damaged.
inline fashion_mnist_dataset fashion_mnist(split part, std::filesystem::path const& directory = fashion_mnist_directory,
                                           normalize scale = {}) {
    if (std::error_code ignored; !std::filesystem::is_directory(directory, ignored))
        throw detail::no_fashion_mnist(directory, "a directory with its IDX files");
    std::string const prefix = part == split::train ? "train" : "t10k";
    auto const images = detail::find_idx(directory, prefix + "-images-idx3-ubyte");
    auto const labels = detail::find_idx(directory, prefix + "-labels-idx1-ubyte");
    return {images, labels, 10, scale};
}

inline fashion_mnist_dataset fashion_mnist(split part, normalize scale) {
    return fashion_mnist(part, fashion_mnist_directory, scale);
}

} // namespace lockstep
