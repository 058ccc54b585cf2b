// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace lockstep {

/// A window of Height x Width pixels that moves over an image by a stride, after zero padding on each side. With
/// a dilation D its pixels are D apart.
template <int Height, int Width, int StrideHeight, int StrideWidth, int PaddingHeight, int PaddingWidth,
          int DilationHeight = 1, int DilationWidth = 1>
struct window {
    static_assert(Height > 0 && Width > 0, "a window has at least one pixel");
    static_assert(StrideHeight > 0 && StrideWidth > 0, "a stride is at least 1");
    static_assert(PaddingHeight >= 0 && PaddingWidth >= 0, "padding is not negative");
    static_assert(DilationHeight > 0 && DilationWidth > 0, "a dilation is at least 1");

    static constexpr int kernel_height = Height, kernel_width = Width;
    static constexpr int stride_height = StrideHeight, stride_width = StrideWidth;
    static constexpr int padding_height = PaddingHeight, padding_width = PaddingWidth;
    static constexpr int dilation_height = DilationHeight, dilation_width = DilationWidth;
    /// Pixels from the window's first to its last, those between its own included.
    static constexpr int span_height = (Height - 1) * DilationHeight + 1;
    static constexpr int span_width = (Width - 1) * DilationWidth + 1;

    /// The number of positions along an axis, PyTorch's floor((in + 2 padding - span) / stride) + 1;
    /// 0 or less where the window doesn't fit.
    static constexpr int out_height(int in) { return positions(in + 2 * PaddingHeight - span_height, StrideHeight); }
    static constexpr int out_width(int in) { return positions(in + 2 * PaddingWidth - span_width, StrideWidth); }

    /// The smallest extent that has so many positions, as of PyTorch's ConvTranspose2d without output padding.
    static constexpr int transposed_height(int positions) {
        return (positions - 1) * StrideHeight - 2 * PaddingHeight + span_height;
    }
    static constexpr int transposed_width(int positions) {
        return (positions - 1) * StrideWidth - 2 * PaddingWidth + span_width;
    }

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

/// A convolution of known extents. Images lie in memory as [height][width][channels]. Channels are cut into
/// groups, each of which sees its own part of the image's channels alone; weights lie as
/// [window height][window width][in channels / groups][out channels].
template <int InChannels, int InHeight, int InWidth, int OutChannels, class Window, int Groups = 1>
struct convolution_geometry : Window {
    static_assert(Groups > 0 && InChannels % Groups == 0 && OutChannels % Groups == 0,
                  "groups divide the channels on both sides");

    using window_type = Window;
    static constexpr int in_channels = InChannels, in_height = InHeight, in_width = InWidth;
    static constexpr int out_channels = OutChannels;
    static constexpr int groups = Groups;
    static constexpr int group_in = InChannels / Groups, group_out = OutChannels / Groups;
    static constexpr int out_height = Window::out_height(InHeight), out_width = Window::out_width(InWidth);
    static constexpr std::int64_t input_size = std::int64_t{InHeight} * InWidth * InChannels;
    static constexpr std::int64_t output_size = std::int64_t{out_height} * out_width * OutChannels;
    static constexpr std::int64_t weight_size =
        std::int64_t{Window::kernel_height} * Window::kernel_width * group_in * OutChannels;
    /// Multiplications and additions of one pass over one image.
    static constexpr double flops = 2.0 * static_cast<double>(weight_size) * out_height * out_width;
    static_assert(out_height > 0 && out_width > 0, "the window fits into the padded image");
};

/// The convolution whose data gradient is the transposed convolution of an image of In channels to one of
/// OutChannels. Several extents may lead to one number of positions: an output padding, less than the stride,
/// chooses a larger one.
template <int InChannels, int InHeight, int InWidth, int OutChannels, class Window, int Groups,
          int OutputPaddingHeight, int OutputPaddingWidth>
using transposed_geometry =
    convolution_geometry<OutChannels, Window::transposed_height(InHeight) + OutputPaddingHeight,
                         Window::transposed_width(InWidth) + OutputPaddingWidth, InChannels, Window, Groups>;

} // namespace lockstep
