// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
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

/// How the pixels of an image follow each other in a file: row by row, or column by column, as in EMNIST's.
enum class pixel_order { rows, columns };

namespace detail {

/// Square images of so many pixels a side, one after another, from columns to rows.
inline void transpose_images(std::span<std::uint8_t> pixels, std::size_t side) {
    for (; !pixels.empty(); pixels = pixels.subspan(side * side))
        for (std::size_t row = 0; row < side; ++row)
            for (std::size_t column = 0; column < row; ++column)
                std::swap(pixels[row * side + column], pixels[column * side + row]);
}

} // namespace detail

/// Images and their labels from two IDX files, kept in memory as bytes; a sample is converted as it is read.
/// Copies share the memory.
template <any_shape Shape>
class idx_dataset {
public:
    using sample_shape = Shape;

    /// Throws data_error for what read_idx refuses, for images that are not of the Shape, for labels that
    /// are not one an image or not below `classes`; usage_error for classes < 1, an impossible scale, and
    /// columns of images that are not square.
    idx_dataset(std::filesystem::path const& images, std::filesystem::path const& labels, int classes,
                normalize scale = {}, pixel_order stored = pixel_order::rows)
        : classes_(classes), scale_(scale) {
        if (classes < 1) throw usage_error{"idx_dataset: expected 1 class or more, found " + std::to_string(classes)};
        scale.check();
        if (stored == pixel_order::columns && !square)
            throw usage_error{"idx_dataset: expected square images for pixel_order::columns, found " +
                              detail::extents_text<Shape>()};
        auto image_file = read_idx(images);
        if (!detail::has_extents<Shape>(image_file.extents))
            throw detail::file_error(images, "images of another shape", detail::extents_text<Shape>(),
                                     detail::extents_text(image_file.extents));
        auto label_file = read_idx(labels);
        if (label_file.extents.size() != 1)
            throw detail::file_error(labels, "no labels", "[count]", detail::extents_text(label_file.extents));
        if (label_file.extents[0] != image_file.extents[0])
            throw detail::file_error(labels, "images and labels differ in number",
                                     std::to_string(image_file.extents[0]) + " labels, one for each image in " +
                                         images.string(),
                                     std::to_string(label_file.extents[0]));
        for (std::size_t i = 0; i < label_file.elements.size(); ++i)
            if (label_file.elements[i] >= classes)
                throw detail::file_error(labels, "label out of range", "0 to " + std::to_string(classes - 1),
                                         std::to_string(label_file.elements[i]) + " at sample " + std::to_string(i));
        if constexpr (square)
            if (stored == pixel_order::columns) detail::transpose_images(image_file.elements, Shape::extents.back());
        content_ = std::make_shared<content const>(std::move(image_file.elements), std::move(label_file.elements));
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
    static constexpr bool square = [] {
        if constexpr (Shape::rank < 2) return false;
        else return Shape::extents[Shape::rank - 1] == Shape::extents[Shape::rank - 2];
    }();

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
