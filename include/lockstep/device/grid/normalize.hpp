// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/rows.hpp>
#include <lockstep/device/rows.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/program/schedule.hpp>

#include <cstdint>

namespace lockstep::grid {

/// Some channels of an image that lies channels-last, of all its pixels. T: with or without const.
///
/// Members read the channels of a pixel next to each other. Parts of fewer than eight channels use only a part of what
/// memory hands out at once; groups that run at the same time find the rest in the cache.
template <class T, int Channels, int Width>
struct channels_of_image {
    T* first;
    constexpr T& operator[](int i) const { return first[static_cast<std::int64_t>(i / Width) * Channels + i % Width]; }
};

/// The equal parts of each sample of X, each a unit, as elements by index.
template <int Groups, class X>
struct normalized_parts {
    using shape_type = typename X::result_shape;
    static constexpr int size = static_cast<int>(shape_type::size / Groups);
    static constexpr bool is_image = shape_type::rank == 3;

    static constexpr std::int64_t units(call const& c) { return Groups * (X::per_sample ? c.samples : 1); }
    template <class T>
    static constexpr auto part(T* all, std::int64_t unit) {
        if constexpr (is_image) {
            constexpr int channels = shape_type::extents[0], width = channels / Groups;
            T* const image = all + unit / Groups * shape_type::size;
            return channels_of_image<T, channels, width>{image + unit % Groups * width};
        } else return all + unit * size;
    }
};

template <class T, class R, int Groups, double Epsilon, normalization How, class X>
struct normalize : kernel_base<members_for_row(normalized_parts<Groups, X>::size)>, normalized_parts<Groups, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, nothing_shared&) {
        using parts = normalized_parts<Groups, X>;
        rows::normalize<parts::size, How>(parts::part(elements_of<T, X>(c), unit),
                                          parts::part(c.out<R>(), unit), static_cast<T>(Epsilon), group);
    }
};

template <class T, class R, int Groups, double Epsilon, normalization How, class X, class G>
struct normalize_gradient : kernel_base<members_for_row(normalized_parts<Groups, X>::size)>,
                            normalized_parts<Groups, X> {
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, nothing_shared&) {
        using parts = normalized_parts<Groups, X>;
        rows::normalize_gradient<parts::size, How>(parts::part(elements_of<T, X>(c), unit),
                                                   parts::part(elements_of<T, G>(c), unit),
                                                   parts::part(c.out<R>(), unit), static_cast<T>(Epsilon), group);
    }
};

template <class T, int Groups, double Epsilon, normalization How, class X, class R>
struct kernels_for<T, compute<primitive::normalize<Groups, Epsilon, How>, X>, R> {
    using type = passes<normalize<T, R, Groups, Epsilon, How, X>>;
};
template <class T, int Groups, double Epsilon, normalization How, class X, class G, class R>
struct kernels_for<T, compute<primitive::normalize_gradient<Groups, Epsilon, How>, X, G>, R> {
    using type = passes<normalize_gradient<T, R, Groups, Epsilon, How, X, G>>;
};

} // namespace lockstep::grid
