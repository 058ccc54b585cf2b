// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/transform/image.hpp>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>

namespace lockstep {

/// `map(seed{1}, random_affine{.degrees = 10, .translate = 0.1f})`: an image is rotated about its middle by up to so
/// many degrees either way, scaled, sheared and moved, each by an amount drawn uniformly; zeros come from outside.
/// As torchvision's RandomAffine, with bilinear interpolation.
struct random_affine {
    float degrees = 0;
    /// Largest move either way, as a share of the width and of the height.
    float translate = 0;
    /// Smallest and largest scale.
    float smallest = 1, largest = 1;
    /// Largest shear along a row either way, in degrees.
    float shear = 0;

    template <class View>
    static constexpr bool fits = detail::is_image<View>;

    template <class Element, int Channels, int Height, int Width>
    void operator()(sample_view<Element const, shape<Channels, Height, Width>> from,
                    sample_view<Element, shape<Channels, Height, Width>> to, sample_random& random) const {
        auto const radians = [](float angle) { return angle * std::numbers::pi_v<float> / 180.0F; };
        float const angle = radians(random.uniform(-degrees, degrees));
        float const move_x = random.uniform(-translate, translate) * Width;
        float const move_y = random.uniform(-translate, translate) * Height;
        float const scale = random.uniform(smallest, largest);
        float const slope = std::tan(radians(random.uniform(-shear, shear)));

        // Where a pixel of the result comes from: the inverse of scale * rotation * shear about the middle.
        float const cosine = std::cos(angle), sine = std::sin(angle);
        float const xx = (cosine - sine * slope) / scale, xy = (sine + cosine * slope) / scale;
        float const yx = -sine / scale, yy = cosine / scale;
        float const middle_x = 0.5F * (Width - 1), middle_y = 0.5F * (Height - 1);
        for (int y = 0; y < Height; ++y)
            for (int x = 0; x < Width; ++x) {
                float const right = static_cast<float>(x) - middle_x - move_x;
                float const down = static_cast<float>(y) - middle_y - move_y;
                interpolate(from, to, y * Width + x, xx * right + xy * down + middle_x,
                            yx * right + yy * down + middle_y);
            }
    }
    void check() const {
        if (!(std::isfinite(degrees) && translate >= 0 && translate <= 1 && smallest > 0 && largest >= smallest &&
              std::isfinite(largest) && std::abs(shear) < 90))
            throw usage_error{"random_affine: expected finite degrees, a move of 0 to 1, scales above 0 in order and "
                              "a shear below 90 degrees, found degrees " +
                              std::to_string(degrees) + ", translate " + std::to_string(translate) + ", scales " +
                              std::to_string(smallest) + " to " + std::to_string(largest) + ", shear " +
                              std::to_string(shear)};
    }

private:
    /// The value at a place between four pixels, in each channel.
    template <class Element, int Channels, int Height, int Width>
    static void interpolate(sample_view<Element const, shape<Channels, Height, Width>> from,
                            sample_view<Element, shape<Channels, Height, Width>> to, int pixel, float x, float y) {
        float const left = std::floor(x), top = std::floor(y);
        float const right_share = x - left, bottom_share = y - top;
        bool const is_near = left >= -1 && left < Width && top >= -1 && top < Height;
        int const column = is_near ? static_cast<int>(left) : -2, row = is_near ? static_cast<int>(top) : -2;
        auto const at = [&](int c, int r, int k) {
            return r >= 0 && r < Height && k >= 0 && k < Width
                       ? static_cast<float>(from.data()[(c * Height + r) * Width + k])
                       : 0.0F;
        };
        for (int c = 0; c < Channels; ++c) {
            float const above = (1 - right_share) * at(c, row, column) + right_share * at(c, row, column + 1);
            float const below = (1 - right_share) * at(c, row + 1, column) + right_share * at(c, row + 1, column + 1);
            to.data()[c * Height * Width + pixel] =
                detail::as_element<Element>((1 - bottom_share) * above + bottom_share * below);
        }
    }
};

} // namespace lockstep
