// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/idx.hpp>
#include <lockstep/shape/shape.hpp>
#include <lockstep/tensor/memory.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {

/// What becomes of a pixel: (pixel / 255 - mean) / deviation, as torchvision's ToTensor and Normalize, bit
/// for bit. As it stands, values from 0 to 1: `normalize{.mean = 0.286f, .deviation = 0.353f}`.
struct normalize {
    float mean = 0;
    float deviation = 1;

    friend constexpr bool operator==(normalize const&, normalize const&) = default;
};

/// How the pixels of an image follow each other in a file: row by row, or column by column, as in EMNIST's.
enum class pixel_order { rows, columns };

namespace detail {

/// pixel / 255, rounded as that division is (a test compares all 256), by multiplications: 1 / 255 in two
/// parts, of which the first has few enough bits for an exact product. Thereby a fused multiply-add has the
/// same result, and it is several times as fast.
constexpr float unit_interval(std::uint8_t pixel) {
    constexpr float high = 0x1.01p-8F;
    constexpr auto low = static_cast<float>(1.0 / 255 - high);
    auto const value = static_cast<float>(pixel);
    return value * high + value * low;
}

/// The two never overlap; only when told so do compilers vectorize, as bytes may alias anything.
template <std::int64_t Size>
void convert_pixels(std::uint8_t const* __restrict pixels, float* __restrict values) {
    for (std::int64_t i = 0; i < Size; ++i) values[i] = unit_interval(pixels[i]);
}

template <std::int64_t Size>
void convert_pixels(std::uint8_t const* __restrict pixels, float* __restrict values, normalize scale) {
    for (std::int64_t i = 0; i < Size; ++i) values[i] = (unit_interval(pixels[i]) - scale.mean) / scale.deviation;
}

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
        if (!(std::isfinite(scale.mean) && std::isfinite(scale.deviation) && scale.deviation > 0))
            throw usage_error{"normalize: expected a finite mean and a finite deviation above 0, found " +
                              std::to_string(scale.mean) + " and " + std::to_string(scale.deviation)};
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
        auto const* pixels = content_->pixels.data() + index * Shape::size;
        if (scale_ == normalize{}) detail::convert_pixels<Shape::size>(pixels, input.data());
        else detail::convert_pixels<Shape::size>(pixels, input.data(), scale_);
        return content_->labels[static_cast<std::size_t>(index)];
    }

    /// Has the memory fetch a sample that is read soon: in a shuffled epoch it is far from all others.
    void expect(std::int64_t index) const {
        auto const* pixels = content_->pixels.data() + index * Shape::size;
        for (std::int64_t i = 0; i < Shape::size; i += std::int64_t{memory_alignment}) __builtin_prefetch(pixels + i);
    }

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
