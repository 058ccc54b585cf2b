// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/transform/image.hpp>

#include <algorithm>
#include <array>
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
        for (int y = 0; y < Channels * Height; ++y) {
            Element* const row = image.data() + y * Width;
            std::array<Element, Width> copy; // with it, the compiler reverses whole registers
            std::copy_n(row, Width, copy.begin());
            std::reverse_copy(copy.begin(), copy.end(), row);
        }
    }
    void check() const {
        if (!(probability >= 0.0F && probability <= 1.0F))
            throw usage_error{"horizontal_flip: expected a probability of 0 to 1, found " +
                              std::to_string(probability)};
    }
};

} // namespace lockstep
