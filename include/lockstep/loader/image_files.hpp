// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/random_access_file.hpp>
#include <lockstep/loader/zip_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace lockstep::detail {

/// The images in a directory for each class, or in an archive of them: names and, as they are asked for, bytes.
class image_files {
public:
    explicit image_files(std::filesystem::path path) : path_(std::move(path)) {
        std::error_code ignored; // what is wrong with the path, opening it as an archive says better
        if (std::filesystem::is_directory(path_, ignored)) list_directory();
        else list_archive();
        sort_into_classes();
    }

    std::vector<std::string> const& classes() const { return classes_; }
    std::int64_t size() const { return static_cast<std::int64_t>(images_.size()); }
    std::int32_t class_of(std::int64_t index) const { return at(index).class_index; }
    /// What errors call an image.
    std::filesystem::path path(std::int64_t index) const { return path_ / at(index).name; }

    std::vector<unsigned char> read(std::int64_t index) const {
        if (archive_) return archive_->read(archive_->members()[at(index).member]);
        random_access_file const file{path(index)};
        return file.read(0, file.size());
    }

private:
    struct entry {
        std::string name;       // class/file; a directory's ends with a slash
        std::size_t member = 0; // of the archive
        std::int32_t class_index = 0;
    };

    entry const& at(std::int64_t index) const { return images_[static_cast<std::size_t>(index)]; }

    void list_directory() {
        using walk = std::filesystem::recursive_directory_iterator;
        std::error_code error, ignored; // what is wrong with an image, opening it says
        for (walk at{path_, std::filesystem::directory_options::follow_directory_symlink, error};
             !error && at != walk{}; at.increment(error)) {
            // A class may be a link to a directory; further down links could lead round in a circle.
            if (at.depth() > 0 && at->is_symlink(ignored)) at.disable_recursion_pending();
            images_.push_back(
                {at->path().lexically_relative(path_).generic_string() + (at->is_directory(ignored) ? "/" : "")});
        }
        if (error) throw file_error(path_, "cannot read", "readable directories", error.message());
    }

    void list_archive() {
        archive_.emplace(random_access_file{path_});
        for (std::size_t member = 0; member < archive_->members().size(); ++member)
            images_.push_back({archive_->members()[member].name, member});
    }

    /// Leaves the images alone in the list, by name and with their class.
    void sort_into_classes() {
        std::erase_if(images_, [](entry const& file) {
            auto const slash = file.name.find('/');
            return slash == file.name.npos || file.name.starts_with('.') || file.name.find("/.") != file.name.npos ||
                   file.name.starts_with("__MACOSX/"); // which that system's archives have
        });
        // By the class first: as characters, a slash comes behind some that a name may go on with.
        std::ranges::sort(images_, {},
                          [](entry const& file) { return std::pair{class_of(file), std::string_view{file.name}}; });
        for (auto& file : images_) {
            if (classes_.empty() || classes_.back() != class_of(file)) classes_.emplace_back(class_of(file));
            file.class_index = static_cast<std::int32_t>(classes_.size() - 1);
        }
        std::erase_if(images_, [](entry const& file) { return !is_image(file.name); });
        if (classes_.empty()) throw file_error(path_, "no images", "a directory of images for each class", "none");
        std::vector<std::int64_t> counts(classes_.size());
        for (auto const& file : images_) ++counts[static_cast<std::size_t>(file.class_index)];
        if (auto const none = std::ranges::find(counts, 0); none != counts.end())
            throw file_error(path_ / classes_[static_cast<std::size_t>(none - counts.begin())], "no images",
                             "files that end with .png, .jpg or .jpeg", "none");
    }

    static std::string_view class_of(entry const& file) {
        return std::string_view{file.name}.substr(0, file.name.find('/'));
    }

    static bool is_image(std::string_view name) {
        auto const dot = name.rfind('.');
        if (dot == name.npos) return false;
        std::string ending{name.substr(dot)};
        for (auto& c : ending)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
    }

    std::filesystem::path path_;
    std::optional<zip_file> archive_; // none for a directory
    std::vector<entry> images_;
    std::vector<std::string> classes_;
};

} // namespace lockstep::detail
