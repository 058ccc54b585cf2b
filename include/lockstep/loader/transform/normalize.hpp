// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lockstep {

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

inline void check_normalization(float mean, float deviation) {
    if (!(std::isfinite(mean) && std::isfinite(deviation) && deviation > 0))
        throw usage_error{"normalize: expected a finite mean and a finite deviation above 0, found " +
                          std::to_string(mean) + " and " + std::to_string(deviation)};
}

} // namespace detail

/// `map(to_float{})`: bytes become numbers from 0 to 1, pixel / 255, as torchvision's ToTensor, bit for bit.
struct to_float {
    constexpr float operator()(std::uint8_t pixel) const { return detail::unit_interval(pixel); }
};

/// `map(rescale{.factor = 2.0f, .offset = -1.0f})`: value * factor + offset, of numbers or of bytes as they are.
struct rescale {
    float factor = 1;
    float offset = 0;

    constexpr float operator()(float value) const { return value * factor + offset; }
    constexpr float operator()(std::uint8_t value) const { return (*this)(static_cast<float>(value)); }
};

/// What becomes of a pixel: (pixel / 255 - mean) / deviation, as torchvision's ToTensor and Normalize, bit
/// for bit; numbers are not divided by 255 any more. As it stands, bytes become values from 0 to 1:
/// `normalize{.mean = 0.286f, .deviation = 0.353f}`.
struct normalize {
    float mean = 0;
    float deviation = 1;

    constexpr float operator()(float value) const { return (value - mean) / deviation; }
    constexpr float operator()(std::uint8_t pixel) const { return (*this)(detail::unit_interval(pixel)); }
    void check() const { detail::check_normalization(mean, deviation); }

    friend constexpr bool operator==(normalize const&, normalize const&) = default;
};

/// The same with numbers of their own for each channel, the first axis of a sample's shape:
/// `normalize_channels<3>{.mean = {0.491f, 0.482f, 0.447f}, .deviation = {0.247f, 0.243f, 0.262f}}`.
template <int Channels>
struct normalize_channels {
    std::array<float, Channels> mean{};
    std::array<float, Channels> deviation{};

    template <class View>
    static constexpr bool fits = View::sample_shape::rank > 1 && View::sample_shape::extents[0] == Channels;

    constexpr float operator()(float value, int channel) const {
        auto const c = static_cast<std::size_t>(channel);
        return (value - mean[c]) / deviation[c];
    }
    constexpr float operator()(std::uint8_t pixel, int channel) const {
        return (*this)(detail::unit_interval(pixel), channel);
    }
    void check() const {
        for (std::size_t c = 0; c < Channels; ++c) detail::check_normalization(mean[c], deviation[c]);
    }
};

} // namespace lockstep
