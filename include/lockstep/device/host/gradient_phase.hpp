// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

namespace lockstep::host {

/// One axis of a convolution's data gradient, for every stride-th position: those that the same taps of the kernel
/// reach. Position h = stride j + phase - padding gets, from tap first_tap + i tap_step, what lies at
/// j - lag - i dilation of the upstream gradient. With a stride the phases of an axis are convolutions with a part
/// of the kernel each, which together multiply no zeros; without one there is a single phase.
struct gradient_phase {
    int taps = 0, first_tap = 0, tap_step = 1;
    int dilation = 1;
    /// Positions of the phase in the image, and the first of them.
    int positions = 0, first_position = 0;
    /// The rows of the upstream gradient under all taps of all positions: [first, last], which may lie outside.
    int first_upstream = 0, last_upstream = 0;

    constexpr bool is_empty() const { return taps == 0 || positions == 0; }
};

/// The phases of an axis with `in` pixels.
template <int Kernel, int Stride, int Dilation, int Padding>
constexpr std::array<gradient_phase, Stride> gradient_phases(int in) {
    std::array<gradient_phase, Stride> result{};
    constexpr int common = std::gcd(Stride, Dilation);
    for (int number = 0; number < Stride; ++number) {
        gradient_phase& phase = result[static_cast<std::size_t>(number)];
        phase.tap_step = Stride / common;
        phase.dilation = Dilation / common;
        while (phase.first_tap < Kernel && phase.first_tap * Dilation % Stride != number) ++phase.first_tap;
        if (phase.first_tap < Kernel) phase.taps = (Kernel - 1 - phase.first_tap) / phase.tap_step + 1;
        int const first_index = (Padding - number + Stride - 1) / Stride;
        phase.first_position = Stride * first_index + number - Padding;
        if (phase.first_position < in) phase.positions = (in - 1 - phase.first_position) / Stride + 1;
        if (phase.is_empty()) continue;
        int const lag = (phase.first_tap * Dilation - number) / Stride;
        phase.first_upstream = first_index - lag - (phase.taps - 1) * phase.dilation;
        phase.last_upstream = first_index + phase.positions - 1 - lag;
    }
    return result;
}

/// Zeros that an axis of the upstream gradient with `out` pixels needs on either side.
struct upstream_margin {
    int before = 0, after = 0;
};
template <std::size_t Count>
constexpr upstream_margin margin_of(std::array<gradient_phase, Count> const& phases, int out) {
    upstream_margin margin;
    for (gradient_phase const& phase : phases) {
        if (phase.is_empty()) continue;
        margin.before = std::max(margin.before, -phase.first_upstream);
        margin.after = std::max(margin.after, phase.last_upstream - (out - 1));
    }
    return margin;
}

} // namespace lockstep::host
