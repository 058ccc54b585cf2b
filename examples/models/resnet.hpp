// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/lockstep.hpp>

#include <cstddef>
#include <utility>

// Residual nets (He, Zhang, Ren and Sun 2015, "Deep residual learning for image recognition") as torchvision builds
// them: parameters have its names, shapes and first values.
namespace models {

namespace ls = lockstep;

namespace name {

struct conv1 {
    static constexpr char const* name = "conv1";
};
struct bn1 {
    static constexpr char const* name = "bn1";
};
struct conv2 {
    static constexpr char const* name = "conv2";
};
struct bn2 {
    static constexpr char const* name = "bn2";
};
struct conv3 {
    static constexpr char const* name = "conv3";
};
struct bn3 {
    static constexpr char const* name = "bn3";
};
struct downsample {
    static constexpr char const* name = "downsample";
};
struct layer1 {
    static constexpr char const* name = "layer1";
};
struct layer2 {
    static constexpr char const* name = "layer2";
};
struct layer3 {
    static constexpr char const* name = "layer3";
};
struct layer4 {
    static constexpr char const* name = "layer4";
};
struct fc {
    static constexpr char const* name = "fc";
};
/// Layers that stand together here but not in torchvision's names.
struct none {
    static constexpr char const* name = "";
};

} // namespace name

/// A convolution that keeps an image's size, or divides it by the stride.
template <int Channels, int Kernel, int Stride = 1>
using convolution =
    ls::conv2d<Channels, Kernel, ls::stride<Stride>, ls::padding<Kernel / 2>, ls::no_bias,
               ls::initialized<ls::weight, ls::initializer::kaiming_normal<ls::initializer::fan::out>>>;

/// What a block's result is added to: its input, or where the shape changes, a projection of it.
template <int Channels, int Stride, bool Changes>
struct shortcut {
    using type = ls::named<name::downsample, convolution<Channels, 1, Stride>, ls::batch_norm<>>;
};
template <int Channels>
struct shortcut<Channels, 1, false> {
    using type = ls::chain<>;
};

/// Two convolutions of 3 x 3 pixels. The first of a layer's blocks changes the number of channels, except in layer1.
struct basic {
    static constexpr int expansion = 1;
    template <int Channels, int Stride, bool>
    using block =
        ls::chain<ls::named<name::none,
                            ls::branch_sum<typename shortcut<Channels, Stride, Stride != 1>::type,
                                           ls::named<name::none,                                               //
                                                     ls::named<name::conv1, convolution<Channels, 3, Stride>>, //
                                                     ls::named<name::bn1, ls::batch_norm<>>, ls::relu,         //
                                                     ls::named<name::conv2, convolution<Channels, 3>>,         //
                                                     ls::named<name::bn2, ls::batch_norm<>>>>>,
                  ls::relu>;
};

/// A convolution of 3 x 3 pixels between two of single pixels, at a quarter of the channels.
struct bottleneck {
    static constexpr int expansion = 4;
    template <int Channels, int Stride, bool First>
    using block =
        ls::chain<ls::named<name::none,
                            ls::branch_sum<typename shortcut<4 * Channels, Stride, First>::type,
                                           ls::named<name::none,                                               //
                                                     ls::named<name::conv1, convolution<Channels, 1>>,         //
                                                     ls::named<name::bn1, ls::batch_norm<>>, ls::relu,         //
                                                     ls::named<name::conv2, convolution<Channels, 3, Stride>>, //
                                                     ls::named<name::bn2, ls::batch_norm<>>, ls::relu,         //
                                                     ls::named<name::conv3, convolution<4 * Channels, 1>>,     //
                                                     ls::named<name::bn3, ls::batch_norm<>>>>>,
                  ls::relu>;
};

template <int Channels, int Stride = 1>
using basic_block = basic::block<Channels, Stride, Stride != 1>;

namespace detail {

template <class Block, class Name, int Channels, int Stride, class Indices>
struct blocks;
template <class Block, class Name, int Channels, int Stride, std::size_t... Index>
struct blocks<Block, Name, Channels, Stride, std::index_sequence<Index...>> {
    using type = ls::named<Name, typename Block::template block<Channels, Index == 0 ? Stride : 1, Index == 0>...>;
};

} // namespace detail

/// Count blocks, the first of which has the stride. They are numbered in one sequence, so this is no repeat<>.
template <class Block, class Name, int Channels, int Stride, int Count>
using blocks = typename detail::blocks<Block, Name, Channels, Stride, std::make_index_sequence<Count>>::type;

/// For images of 224 x 224 pixels.
template <int Width>
using imagenet_stem = ls::named<name::none, ls::named<name::conv1, convolution<Width, 7, 2>>,
                                ls::named<name::bn1, ls::batch_norm<>>, ls::relu,
                                ls::max_pool2d<3, ls::stride<2>, ls::padding<1>>>;
/// For images of 32 x 32 pixels.
template <int Width>
using cifar_stem = ls::named<name::none, ls::named<name::conv1, convolution<Width, 3>>,
                             ls::named<name::bn1, ls::batch_norm<>>, ls::relu>;

/// Four times blocks, the image halved and the channels doubled from one to the next, from Width channels on.
template <class Input, class Stem, class Block, int Classes, int Width, int Blocks1, int Blocks2, int Blocks3,
          int Blocks4>
using resnet = ls::sequential<Input, Stem,                                        //
                              blocks<Block, name::layer1, Width, 1, Blocks1>,     //
                              blocks<Block, name::layer2, 2 * Width, 2, Blocks2>, //
                              blocks<Block, name::layer3, 4 * Width, 2, Blocks3>, //
                              blocks<Block, name::layer4, 8 * Width, 2, Blocks4>, //
                              ls::adaptive_avg_pool2d<1>, ls::flatten, ls::named<name::fc, ls::linear<Classes>>>;

template <int Classes = 1000, int Width = 64>
using resnet18 = resnet<ls::shape<3, 224, 224>, imagenet_stem<Width>, basic, Classes, Width, 2, 2, 2, 2>;
template <int Classes = 1000, int Width = 64>
using resnet34 = resnet<ls::shape<3, 224, 224>, imagenet_stem<Width>, basic, Classes, Width, 3, 4, 6, 3>;
template <int Classes = 1000, int Width = 64>
using resnet50 = resnet<ls::shape<3, 224, 224>, imagenet_stem<Width>, bottleneck, Classes, Width, 3, 4, 6, 3>;
template <int Classes = 1000, int Width = 64>
using resnet101 = resnet<ls::shape<3, 224, 224>, imagenet_stem<Width>, bottleneck, Classes, Width, 3, 4, 23, 3>;

template <int Classes = 10, int Width = 64>
using cifar_resnet18 = resnet<ls::shape<3, 32, 32>, cifar_stem<Width>, basic, Classes, Width, 2, 2, 2, 2>;
template <int Classes = 10, int Width = 64>
using cifar_resnet34 = resnet<ls::shape<3, 32, 32>, cifar_stem<Width>, basic, Classes, Width, 3, 4, 6, 3>;

} // namespace models
