// SPDX-License-Identifier: MIT
// Windows and what moves over an image: extents as PyTorch's formulas give them.
#include <lockstep/device/host/gradient_phase.hpp>
#include <lockstep/layer/window_options.hpp>
#include <lockstep/shape/averaging.hpp>
#include <lockstep/shape/convolution.hpp>

#include <concepts>

namespace ls = lockstep;

// A dilated window spans what lies between its pixels:
// floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
using dilated = ls::window<3, 2, 2, 1, 1, 0, 4, 3>;
static_assert(dilated::span_height == 9 && dilated::span_width == 4);
static_assert(dilated::out_height(12) == 3 && dilated::out_width(7) == 4);
static_assert(dilated::out_height(7) == 1 && dilated::out_height(6) == 0);

// Options become a window, in any order; over a length it has one row.
using options = ls::window_from<3, 1, ls::padding<1, 0>, ls::dilation<4, 3>, ls::stride<2, 1>, ls::window_width<2>>;
static_assert(std::same_as<options, dilated>);
static_assert(std::same_as<ls::window_from<2, 2>, ls::window<2, 2, 2, 2, 0, 0>>);
static_assert(std::same_as<ls::length_window_from<5, 1, ls::dilation<2>, ls::padding<3>>,
                           ls::window<1, 5, 1, 1, 0, 3, 1, 2>>);
static_assert(ls::groups_from<ls::padding<1>, ls::groups<4>> == 4 && ls::groups_from<> == 1);

// (in - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output padding, from which the convolution leads back.
using transposed = ls::transposed_geometry<6, 5, 4, 8, ls::window<4, 3, 3, 2, 1, 0>, 2, 2, 1>;
static_assert(transposed::in_channels == 8 && transposed::in_height == 16 && transposed::in_width == 10);
static_assert(transposed::out_channels == 6 && transposed::out_height == 5 && transposed::out_width == 4);
static_assert(transposed::weight_size == 4 * 3 * (8 / 2) * 6);

// A group sees its own part of the input's channels: as many products fewer.
using grouped = ls::convolution_geometry<12, 8, 8, 6, ls::window<3, 3, 1, 1, 1, 1>, 3>;
static_assert(grouped::group_in == 4 && grouped::group_out == 2);
static_assert(grouped::flops * 3 == ls::convolution_geometry<12, 8, 8, 6, ls::window<3, 3, 1, 1, 1, 1>>::flops);

// Padding counts or is not there; parts of 7 pixels in 3 are [0, 3), [2, 5) and [4, 7).
using counting = ls::moving_average<ls::window<3, 3, 2, 2, 1, 1>, true>;
using excluding = ls::moving_average<ls::window<3, 3, 2, 2, 1, 1>, false>;
static_assert(counting::rows(0, 5).first == 0 && counting::rows(0, 5).last == 2 && counting::rows(0, 5).count == 3);
static_assert(excluding::rows(0, 5).count == 2 && excluding::rows(1, 5).count == 3 && excluding::rows(2, 5).count == 2);
using parts = ls::adaptive_average<3, 1>;
static_assert(parts::rows(0, 7).last == 3 && parts::rows(1, 7).first == 2 && parts::rows(1, 7).last == 5 &&
              parts::rows(2, 7).first == 4 && parts::rows(2, 7).last == 7);

// The phases of a stride share out the kernel's taps and the image's pixels, each once.
template <int Kernel, int Stride, int Dilation, int Padding>
constexpr bool shares_out(int in) {
    int taps = 0, positions = 0;
    for (auto const& phase : ls::host::gradient_phases<Kernel, Stride, Dilation, Padding>(in)) {
        taps += phase.taps;
        positions += phase.positions;
    }
    return taps == Kernel && positions == in;
}
static_assert(shares_out<3, 1, 1, 1>(8));
static_assert(shares_out<3, 2, 1, 1>(9));
static_assert(shares_out<7, 3, 2, 4>(13));
static_assert(shares_out<2, 5, 1, 0>(8));
static_assert(shares_out<3, 4, 2, 2>(1));
