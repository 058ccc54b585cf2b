// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/transform/image.hpp>

#include <algorithm>
#include <string>

namespace lockstep {

/// `map(seed{1}, horizontal_flip{})`: left and right of an image change sides, with this probability. As torchvision's
/// RandomHorizontalFlip.
struct horizontal_flip {
    float probability = 0.5F;

    template <class View>
    static constexpr bool fits = detail::is_image<View>;

    template <class Element, int Channels, int Height, int Width>
    void operator()(sample_view<Element, shape<Channels, Height, Width>> image, sample_random& random) const {
        if (!random.chance(probability)) return;
        for (int row = 0; row < Channels * Height; ++row)
            std::reverse(image.data() + row * Width, image.data() + (row + 1) * Width);
    }
    void check() const {
        if (!(probability >= 0.0F && probability <= 1.0F))
            throw usage_error{"horizontal_flip: expected a probability of 0 to 1, found " +
                              std::to_string(probability)};
    }
};

} // namespace lockstep
