// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep::grid {

/// Where an element of images [height][width][channels] is.
struct image_place {
    std::int64_t sample;
    int row, column, channel;

    /// Of the element that is `index` in the order of memory.
    template <int Height, int Width, int Channels>
    static constexpr image_place of(std::int64_t index) {
        std::int64_t const pixel = index / Channels, sample = pixel / (Height * Width);
        int const within = static_cast<int>(pixel - sample * (Height * Width));
        return {sample, within / Width, within % Width, static_cast<int>(index - pixel * Channels)};
    }
};

/// The positions [first, last) along an axis of the windows that a pixel may be in.
struct window_range {
    int first, last;
};

} // namespace lockstep::grid
