// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/convolution.hpp>

#include <type_traits>

namespace lockstep {

/// Options of layers that move a window over an image. A braced list is no template argument in standard C++20,
/// so options are types: conv2d<32, 5, padding<2>, stride<2>>.
template <int Height, int Width = Height>
struct padding {};
template <int Height, int Width = Height>
struct stride {};
/// The window's width where it differs from its height.
template <int Width>
struct window_width {};

namespace detail {

/// What the options of a layer amount to.
template <int Kernel, int DefaultStride>
struct window_settings {
    int width = Kernel;
    int stride_height = DefaultStride, stride_width = DefaultStride;
    int padding_height = 0, padding_width = 0;

    template <int Height, int Width>
    constexpr void set(padding<Height, Width>) {
        padding_height = Height, padding_width = Width;
    }
    template <int Height, int Width>
    constexpr void set(stride<Height, Width>) {
        stride_height = Height, stride_width = Width;
    }
    template <int Width>
    constexpr void set(window_width<Width>) {
        width = Width;
    }
    /// An option that concerns something else than the window.
    constexpr void set(...) {}
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
                        settings.padding_height, settings.padding_width>;
};

} // namespace detail

/// The window that a kernel height and a layer's options describe.
template <int Kernel, int DefaultStride, class... Options>
using window_from = typename detail::window_from<Kernel, DefaultStride, Options...>::type;

} // namespace lockstep
