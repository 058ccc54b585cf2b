// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// A window of Height x Width pixels that moves over an image by a stride, after zero padding on each side.
template <int Height, int Width, int StrideHeight, int StrideWidth, int PaddingHeight, int PaddingWidth>
struct window {
    static_assert(Height > 0 && Width > 0, "a window has at least one pixel");
    static_assert(StrideHeight > 0 && StrideWidth > 0, "a stride is at least 1");
    static_assert(PaddingHeight >= 0 && PaddingWidth >= 0, "padding is not negative");

    static constexpr int kernel_height = Height, kernel_width = Width;
    static constexpr int stride_height = StrideHeight, stride_width = StrideWidth;
    static constexpr int padding_height = PaddingHeight, padding_width = PaddingWidth;

    /// The number of positions along an axis, PyTorch's floor((in + 2 padding - window) / stride) + 1;
    /// 0 or less where the window doesn't fit.
    static constexpr int out_height(int in) { return positions(in + 2 * PaddingHeight - Height, StrideHeight); }
    static constexpr int out_width(int in) { return positions(in + 2 * PaddingWidth - Width, StrideWidth); }

private:
    static constexpr int positions(int room, int stride) {
        // A stride of 0 has been rejected above; dividing by it would be a second error.
        return room < 0 ? 0 : room / (stride > 0 ? stride : 1) + 1;
    }
};

/// A window over an image of known extents. Images lie in memory as [height][width][channels].
template <int Channels, int InHeight, int InWidth, class Window>
struct pooling_geometry : Window {
    static constexpr int channels = Channels, in_height = InHeight, in_width = InWidth;
    static constexpr int out_height = Window::out_height(InHeight), out_width = Window::out_width(InWidth);
    static constexpr std::int64_t input_size = std::int64_t{InHeight} * InWidth * Channels;
    static constexpr std::int64_t output_size = std::int64_t{out_height} * out_width * Channels;
    static_assert(out_height > 0 && out_width > 0, "the window fits into the padded image");
};

/// A convolution of known extents. Images lie in memory as [height][width][channels], weights as
/// [window height][window width][in channels][out channels].
template <int InChannels, int InHeight, int InWidth, int OutChannels, class Window>
struct convolution_geometry : Window {
    static constexpr int in_channels = InChannels, in_height = InHeight, in_width = InWidth;
    static constexpr int out_channels = OutChannels;
    static constexpr int out_height = Window::out_height(InHeight), out_width = Window::out_width(InWidth);
    static constexpr std::int64_t input_size = std::int64_t{InHeight} * InWidth * InChannels;
    static constexpr std::int64_t output_size = std::int64_t{out_height} * out_width * OutChannels;
    static constexpr std::int64_t weight_size =
        std::int64_t{Window::kernel_height} * Window::kernel_width * InChannels * OutChannels;
    /// Multiplications and additions of one pass over one image.
    static constexpr double flops = 2.0 * static_cast<double>(weight_size) * out_height * out_width;
    static_assert(out_height > 0 && out_width > 0, "the window fits into the padded image");
};

} // namespace lockstep
