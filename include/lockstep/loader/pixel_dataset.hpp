// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/idx_dataset.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace lockstep {

/// The bytes of images as their file has them, for transforms that come before they are made numbers:
///
///     pixels(fashion_mnist(split::train)) | map(seed{1}, random_crop<2>{}, normalize{...})
///
/// Shares the images' memory.
template <any_shape Shape>
class pixel_dataset {
public:
    using sample_shape = Shape;
    using element = std::uint8_t;

    explicit pixel_dataset(idx_dataset<Shape> images) : images_(std::move(images)) {}

    std::int64_t size() const { return images_.size(); }
    int classes() const { return images_.classes(); }
    std::int32_t target_of(std::int64_t index) const { return images_.target_of(index); }
    void expect(std::int64_t index) const { images_.expect(index); }

    std::int32_t read(std::int64_t index, std::span<std::uint8_t> input) const {
        std::ranges::copy(images_.pixels(index), input.begin());
        return target_of(index);
    }
    std::span<std::uint8_t const> lend(std::int64_t index, std::span<std::int32_t> targets) const {
        targets.front() = target_of(index);
        return images_.pixels(index);
    }

private:
    idx_dataset<Shape> images_;
};

template <any_shape Shape>
pixel_dataset<Shape> pixels(idx_dataset<Shape> images) {
    return pixel_dataset<Shape>{std::move(images)};
}

} // namespace lockstep
