// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/convolution.hpp>

#include <type_traits>

namespace lockstep {

/// Options of layers that move a window over an image. A braced list is no template argument in standard C++20,
/// so options are types: conv2d<32, 5, padding<2>, stride<2>>. Layers over [channels, length] take one number.
template <int Height, int Width = Height>
struct padding {};
template <int Height, int Width = Height>
struct stride {};
/// The distance between the pixels of a window, 1 where they are neighbours.
template <int Height, int Width = Height>
struct dilation {};
/// The window's width where it differs from its height.
template <int Width>
struct window_width {};
/// Of convolutions: the channels are cut into Count groups, each of which sees its own part of the input's.
template <int Count>
struct groups {};
/// Of transposed convolutions: rows and columns added to the result, less than the stride.
template <int Height, int Width = Height>
struct output_padding {};

namespace detail {

/// What the options of a layer amount to.
template <int Kernel, int DefaultStride>
struct window_settings {
    int width = Kernel;
    int stride_height = DefaultStride, stride_width = DefaultStride;
    int padding_height = 0, padding_width = 0;
    int dilation_height = 1, dilation_width = 1;
    int groups = 1;
    int output_padding_height = 0, output_padding_width = 0;

    template <int Height, int Width>
    constexpr void set(lockstep::padding<Height, Width>) {
        padding_height = Height, padding_width = Width;
    }
    template <int Height, int Width>
    constexpr void set(lockstep::stride<Height, Width>) {
        stride_height = Height, stride_width = Width;
    }
    template <int Height, int Width>
    constexpr void set(lockstep::dilation<Height, Width>) {
        dilation_height = Height, dilation_width = Width;
    }
    template <int Width>
    constexpr void set(window_width<Width>) {
        width = Width;
    }
    template <int Count>
    constexpr void set(lockstep::groups<Count>) {
        groups = Count;
    }
    template <int Height, int Width>
    constexpr void set(lockstep::output_padding<Height, Width>) {
        output_padding_height = Height, output_padding_width = Width;
    }
    /// An option that concerns something else than the window.
    constexpr void set(...) {}

    constexpr bool is_square() const {
        return width == Kernel && stride_height == stride_width && padding_height == padding_width &&
               dilation_height == dilation_width;
    }
};

template <int Kernel, int DefaultStride, class... Options>
constexpr auto window_settings_of() {
    window_settings<Kernel, DefaultStride> settings;
    (settings.set(Options{}), ...);
    return settings;
}

template <int Kernel, int DefaultStride, class... Options>
struct window_from {
    static constexpr auto settings = window_settings_of<Kernel, DefaultStride, Options...>();
    using type = window<Kernel, settings.width, settings.stride_height, settings.stride_width,
                        settings.padding_height, settings.padding_width, settings.dilation_height,
                        settings.dilation_width>;
};

template <int Kernel, int DefaultStride, class... Options>
struct length_window_from {
    static constexpr auto settings = window_settings_of<Kernel, DefaultStride, Options...>();
    static_assert(settings.is_square(), "options of a layer over [channels, length] have one number");
    using type = window<1, Kernel, 1, settings.stride_width, 0, settings.padding_width, 1, settings.dilation_width>;
};

} // namespace detail

/// The window that a kernel height and a layer's options describe.
template <int Kernel, int DefaultStride, class... Options>
using window_from = typename detail::window_from<Kernel, DefaultStride, Options...>::type;

/// The window of a layer over [channels, length], on images [channels, 1, length].
template <int Kernel, int DefaultStride, class... Options>
using length_window_from = typename detail::length_window_from<Kernel, DefaultStride, Options...>::type;

/// The number of groups among a layer's options.
template <class... Options>
inline constexpr int groups_from = detail::window_settings_of<1, 1, Options...>().groups;

} // namespace lockstep
