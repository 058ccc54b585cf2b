// SPDX-License-Identifier: MIT
// Convolutions by cuDNN beside those of our own kernels, on a device.
#include "both_ways.cuh"

#include <limits>

#if LOCKSTEP_WITH_CUDNN

namespace {

using namespace device_tests;
using ls::window;
using content = ls::leaf_content;

template <class E, class R = float>
void check_operation(std::int64_t samples, double bound) {
    using tested = both_ways<float, E, R>;
    REQUIRE(tested::library::is_chosen(samples));
    tested c(samples);
    auto const captured = c.by_graph();
    typename tested::library operation(0, samples);
    auto const found = c.by(operation);
    CHECK(difference(found, c.by_own_kernels()) <= bound);
    CHECK(c.by(operation) == found);
    CHECK(captured == found);
}

/// All three of a geometry, of operands with this content, for results that are stored as R.
template <class Geometry, content Content, class R>
void check_all(std::int64_t samples, double bound) {
    using g = Geometry;
    using image = ls::shape<g::in_channels, g::in_height, g::in_width>;
    using out_image = ls::shape<g::out_channels, g::out_height, g::out_width>;
    using weight_shape = ls::shape<g::kernel_height, g::kernel_width, g::group_in, g::out_channels>;
    using x = ls::leaf<ls::operand_tag<0>, image, true, Content>;
    using w = ls::leaf<ls::operand_tag<1>, weight_shape, false, Content>;
    using y = ls::leaf<ls::operand_tag<0>, out_image, true, Content>;
    using other_y = ls::leaf<ls::operand_tag<1>, out_image, true, Content>;
    using namespace ls::primitive;
    // Errors of additions go to and fro.
    double const epsilon = static_cast<double>(std::numeric_limits<float>::epsilon());
    auto const of_sum = [&](double additions) { return bound + (64 + std::sqrt(additions)) * epsilon; };
    double const taps = static_cast<double>(g::kernel_height * g::kernel_width);
    {
        INFO("convolution");
        check_operation<ls::compute<convolution<typename g::window_type, g::groups>, x, w>, R>(samples,
                                                                                            of_sum(taps * g::group_in));
    }
    {
        INFO("data gradient");
        check_operation<ls::compute<convolution_data_gradient<g>, y, w>, R>(samples, of_sum(taps * g::group_out));
    }
    {
        INFO("weight gradient");
        double const pixels = static_cast<double>(samples) * (g::out_height * g::out_width);
        check_operation<ls::compute<convolution_weight_gradient<g>, x, other_y>>(samples, of_sum(pixels));
    }
}

template <int Channels, int Height, int Width, int OutChannels, class Window, int Groups = 1>
using geometry = ls::convolution_geometry<Channels, Height, Width, OutChannels, Window, Groups>;

} // namespace

TEST_CASE("convolutions by cuDNN are those of our own kernels, and the same bits again") {
    check_all<geometry<64, 16, 16, 64, window<3, 3, 1, 1, 1, 1>>, content::number, float>(32, 0);
    check_all<geometry<33, 15, 13, 35, window<3, 2, 1, 2, 2, 1, 2, 1>>, content::number, float>(64, 0);
    check_all<geometry<64, 14, 14, 128, window<3, 3, 1, 1, 1, 1>, 4>, content::number, float>(32, 0);
}

TEST_CASE("convolutions of bf16 and half by cuDNN are those of our own kernels, rounded, and the same bits again") {
    // Gradients of weights are floats, which cuDNN may have rounded.
    check_all<geometry<64, 17, 18, 96, window<3, 3, 2, 2, 1, 1>>, content::bf16, ls::bf16>(32, 0x1p-7);
    check_all<geometry<3, 32, 33, 32, window<5, 3, 1, 1, 2, 1>>, content::bf16, ls::bf16>(64, 0x1p-7);
    check_all<geometry<64, 17, 18, 96, window<3, 3, 2, 2, 1, 1>>, content::half, ls::half>(32, 0x1p-10);
}

TEST_CASE("with TF32 convolutions are rounded, and not by much") {
    using x = operand<0, ls::shape<64, 16, 16>>;
    using w = operand<1, ls::shape<3, 3, 64, 64>, false>;
    using tested = both_ways<float, ls::compute<ls::primitive::convolution<window<3, 3, 1, 1, 1, 1>, 1>, x, w>>;
    tested c(32);
    gpu::allow_tf32(true);
    tested::library operation(0, 32);
    gpu::allow_tf32(false);
    CHECK(difference(c.by(operation), c.by_own_kernels()) < 2e-3);
}

#endif // LOCKSTEP_WITH_CUDNN
