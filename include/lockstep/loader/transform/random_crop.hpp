// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/transform/image.hpp>

#include <algorithm>

namespace lockstep {

/// `map(seed{1}, random_crop<4>{})`: an image with a border of so many zeros, of which a part of the image's own size
/// is cut out, any as likely; random_crop<0, 24, 24> cuts out 24 by 24. As torchvision's RandomCrop(size, padding).
template <int Padding, int Height = 0, int Width = 0>
struct random_crop {
    static_assert(Padding >= 0 && Height >= 0 && Width >= 0, "a crop has a size and a border of no less than nothing");

    template <class View>
    struct window {
        static constexpr auto extents = View::sample_shape::extents;
        static constexpr int height = Height > 0 ? Height : extents[1], width = Width > 0 ? Width : extents[2];
        /// Places that its top and its left may have.
        static constexpr int tops = extents[1] + 2 * Padding - height + 1, lefts = extents[2] + 2 * Padding - width + 1;
        using output = sample_view<typename View::element, shape<extents[0], height, width>>;
    };

    template <class View>
    static constexpr bool fits = [] {
        if constexpr (detail::is_image<View>) return window<View>::tops > 0 && window<View>::lefts > 0;
        else return false;
    }();
    template <class View>
        requires detail::is_image<View>
    using output = typename window<View>::output;

    template <class Element, int Channels, int InHeight, int InWidth, any_shape Out>
    void operator()(sample_view<Element const, shape<Channels, InHeight, InWidth>> from, sample_view<Element, Out> to,
                    sample_random& random) const {
        using cut = window<sample_view<Element, shape<Channels, InHeight, InWidth>>>;
        int const top = random.below(cut::tops) - Padding, left = random.below(cut::lefts) - Padding;
        // Columns of a row that lie within the image.
        int const first = std::clamp(-left, 0, cut::width), last = std::clamp(InWidth - left, first, cut::width);
        for (int c = 0; c < Channels; ++c)
            for (int y = 0; y < cut::height; ++y) {
                Element* const row = to.data() + (c * cut::height + y) * cut::width;
                if (top + y < 0 || top + y >= InHeight) std::fill_n(row, cut::width, Element{});
                else copy_row<cut::width>(from, (c * InHeight + top + y) * InWidth + left, first, last, row);
            }
    }

private:
    /// Columns first to last - 1 of a row that begins at an offset in the image; the others are zero. A row's
    /// neighbours in memory may be read, not used: then the length is fixed, and the loop vectorizes.
    template <int Columns, class Image, class Element>
    static void copy_row(Image from, int offset, int first, int last, Element* __restrict to) {
        if (offset >= 0 && offset + Columns <= static_cast<int>(from.size())) {
            Element const* const in = from.data() + offset;
            for (int x = 0; x < Columns; ++x) {
                Element const value = in[x];
                to[x] = x >= first && x < last ? value : Element{};
            }
        } else {
            std::fill_n(to, Columns, Element{});
            std::copy(from.begin() + offset + first, from.begin() + offset + last, to + first);
        }
    }
};

} // namespace lockstep
