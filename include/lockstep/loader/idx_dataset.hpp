// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/idx.hpp>
#include <lockstep/loader/read_ahead.hpp>
#include <lockstep/loader/transform/elementwise.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/shape/shape.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

namespace detail {

/// Whether a file's extents, the first of which counts samples, are those of the shape; images of one
/// channel are stored without it.
template <any_shape Shape>
bool has_extents(std::vector<std::int64_t> const& extents) {
    std::vector<std::int64_t> expected(Shape::extents.begin(), Shape::extents.end());
    std::vector<std::int64_t> const found(extents.begin() + 1, extents.end());
    if (found == expected) return true;
    if (expected.empty() || expected.front() != 1) return false;
    expected.erase(expected.begin());
    return found == expected;
}

template <any_shape Shape>
std::string extents_text() {
    std::string text = "[count";
    for (int const extent : Shape::extents) text += ", " + std::to_string(extent);
    return text + "]";
}

} // namespace detail

/// Images and their labels from two IDX files, kept in memory as bytes; a sample is converted as it is read.
/// Copies share the memory.
template <any_shape Shape>
class idx_dataset {
public:
    using sample_shape = Shape;

    /// Throws data_error for what read_idx refuses, for images that are not of the Shape, for labels that
    /// are not one an image or not below `classes`; usage_error for classes < 1 and an impossible scale.
    idx_dataset(std::filesystem::path const& images, std::filesystem::path const& labels, int classes,
                normalize scale = {})
        : classes_(classes), scale_(scale) {
        if (classes < 1)
            throw usage_error{"idx_dataset: expected 1 class or more, found " + std::to_string(classes)};
        scale.check();
        auto image_file = read_idx(images);
        if (!detail::has_extents<Shape>(image_file.extents))
            throw detail::file_error(images, "images of another shape", detail::extents_text<Shape>(),
                                     detail::idx_extents_text(image_file.extents));
        auto label_file = read_idx(labels);
        if (label_file.extents.size() != 1)
            throw detail::file_error(labels, "no labels", "[count]",
                                     detail::idx_extents_text(label_file.extents));
        if (label_file.extents[0] != image_file.extents[0])
            throw detail::file_error(labels, "images and labels differ in number",
                                     std::to_string(image_file.extents[0]) + " labels, one for each image in " +
                                         images.string(),
                                     std::to_string(label_file.extents[0]));
        for (std::size_t i = 0; i < label_file.elements.size(); ++i)
            if (label_file.elements[i] >= classes)
                throw detail::file_error(labels, "label out of range", "0 to " + std::to_string(classes - 1),
                                         std::to_string(label_file.elements[i]) + " at sample " +
                                             std::to_string(i));
        content_ =
            std::make_shared<content const>(std::move(image_file.elements), std::move(label_file.elements));
    }

    std::int64_t size() const { return static_cast<std::int64_t>(content_->labels.size()); }
    int classes() const { return classes_; }
    normalize scale() const { return scale_; }

    std::int32_t read(std::int64_t index, std::span<float> input) const {
        auto const* from = pixels(index).data();
        if (scale_ == normalize{}) detail::transform_elements<Shape::size>(to_float{}, from, input.data(), 0);
        else detail::transform_elements<Shape::size>(scale_, from, input.data(), 0);
        return target_of(index);
    }

    /// The class of an image.
    std::int32_t target_of(std::int64_t index) const {
        return content_->labels[static_cast<std::size_t>(index)];
    }

    /// Has the memory fetch a sample that is read soon.
    void expect(std::int64_t index) const { detail::read_ahead(pixels(index).data(), Shape::size); }

    /// The bytes of an image as the file has them.
    std::span<std::uint8_t const> pixels(std::int64_t index) const {
        return {content_->pixels.data() + index * Shape::size, static_cast<std::size_t>(Shape::size)};
    }

private:
    struct content {
        content(std::vector<std::uint8_t> all_pixels, std::vector<std::uint8_t> all_labels)
            : pixels(std::move(all_pixels)), labels(std::move(all_labels)) {}

        std::vector<std::uint8_t> pixels;
        std::vector<std::uint8_t> labels;
    };

    int classes_;
    normalize scale_;
    std::shared_ptr<content const> content_;
};

} // namespace lockstep
