// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/transform/image.hpp>

#include <algorithm>

namespace lockstep {

/// `map(seed{1}, cutout<8>{})`: a square of so many pixels each way becomes zero, in all channels. Its centre is any
/// pixel, so that parts of it may lie outside of the image (DeVries and Taylor 2017, arXiv:1708.04552).
template <int Size>
struct cutout {
    static_assert(Size > 0, "a square has at least one pixel");

    template <class View>
    static constexpr bool fits = detail::is_image<View>;

    template <class Element, int Channels, int Height, int Width>
    void operator()(sample_view<Element, shape<Channels, Height, Width>> image, sample_random& random) const {
        int const y = random.below(Height) - Size / 2, x = random.below(Width) - Size / 2;
        int const top = std::max(y, 0), bottom = std::min(y + Size, Height);
        int const left = std::max(x, 0), right = std::min(x + Size, Width);
        for (int c = 0; c < Channels; ++c)
            for (int row = top; row < bottom; ++row)
                std::fill_n(image.data() + (c * Height + row) * Width + left, right - left, Element{});
    }
};

} // namespace lockstep
