// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/host/rows.hpp>
#include <lockstep/device/rows.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/program/schedule.hpp>

#include <cmath>
#include <cstdint>

namespace lockstep::host {

/// Groups of channels of one channels-last image: sums run over pixels with channels in the lanes, then over the
/// channels of a group.
template <class T, int Channels, std::int64_t Pixels, int Groups, normalization How>
struct image_groups {
    static constexpr int width = Channels / Groups;
    static constexpr T count = static_cast<T>(Pixels * width);

    /// For each channel, the mean over its group of f(pixel, channel).
    static void mean(auto f, T (&means)[Channels]) {
        T sums[Channels] = {};
        for (std::int64_t p = 0; p < Pixels; ++p)
            for (int c = 0; c < Channels; ++c) sums[c] += f(p, c);
        for (int g = 0; g < Groups; ++g) {
            T sum = 0;
            for (int c = g * width; c < (g + 1) * width; ++c) sum += sums[c];
            for (int c = g * width; c < (g + 1) * width; ++c) means[c] = sum / count;
        }
    }

    /// The mean and 1 / sqrt(variance + epsilon) of each channel's group.
    static void moments(T const* x, T (&center)[Channels], T (&scale)[Channels], T epsilon) {
        auto const at = [x](std::int64_t p, int c) { return x[p * Channels + c]; };
        if constexpr (How == normalization::mean_and_variance) mean(at, center);
        else
            for (T& c : center) c = 0;
        mean([&](std::int64_t p, int c) { return (at(p, c) - center[c]) * (at(p, c) - center[c]); }, scale);
        for (T& s : scale) s = T(1) / std::sqrt(s + epsilon);
    }

    static void forward(T const* x, T* y, T epsilon) {
        T center[Channels], scale[Channels];
        moments(x, center, scale, epsilon);
        for (std::int64_t p = 0; p < Pixels; ++p)
            for (int c = 0; c < Channels; ++c) y[p * Channels + c] = (x[p * Channels + c] - center[c]) * scale[c];
    }

    static void gradient(T const* x, T const* g, T* dx, T epsilon) {
        T center[Channels], scale[Channels], mean_g[Channels] = {}, mean_gy[Channels];
        moments(x, center, scale, epsilon);
        auto const y = [&](std::int64_t p, int c) { return (x[p * Channels + c] - center[c]) * scale[c]; };
        if constexpr (How == normalization::mean_and_variance)
            mean([g](std::int64_t p, int c) { return g[p * Channels + c]; }, mean_g);
        mean([&](std::int64_t p, int c) { return g[p * Channels + c] * y(p, c); }, mean_gy);
        for (std::int64_t p = 0; p < Pixels; ++p)
            for (int c = 0; c < Channels; ++c)
                dx[p * Channels + c] = scale[c] * (g[p * Channels + c] - mean_g[c] - y(p, c) * mean_gy[c]);
    }
};

template <class T, int Groups, double Epsilon, normalization How, class X>
struct normalize_kernel {
    using shape_type = typename X::result_shape;
    static constexpr T epsilon = static_cast<T>(Epsilon);
    static constexpr std::int64_t size = shape_type::size;
    static constexpr int part = static_cast<int>(size / Groups);
    static constexpr bool image = shape_type::rank == 3;

    static void forward(kernel_call const& call) {
        T const* x = call.operand<T>(operand_index<X>);
        T* y = static_cast<T*>(call.result);
        std::int64_t const samples = X::per_sample ? call.samples : 1;
        for (std::int64_t n = 0; n < samples; ++n, x += size, y += size) {
            if constexpr (image) image_part::forward(x, y, epsilon);
            else
                for (int p = 0; p < Groups; ++p) rows::normalize<part, How>(x + p * part, y + p * part, epsilon, one_thread{});
            finish(call, n);
        }
    }
    template <class G>
    static void gradient(kernel_call const& call) {
        T const* x = call.operand<T>(operand_index<X>);
        T const* g = call.operand<T>(operand_index<G>);
        T* dx = static_cast<T*>(call.result);
        std::int64_t const samples = X::per_sample ? call.samples : 1;
        for (std::int64_t n = 0; n < samples; ++n, x += size, g += size, dx += size) {
            if constexpr (image) image_part::gradient(x, g, dx, epsilon);
            else
                for (int p = 0; p < Groups; ++p)
                    rows::normalize_gradient<part, How>(x + p * part, g + p * part, dx + p * part, epsilon, one_thread{});
            finish(call, n);
        }
    }

private:
    static constexpr auto channels_of() {
        if constexpr (image) return std::integral_constant<int, shape_type::extents[0]>{};
        else return std::integral_constant<int, Groups>{};
    }
    static constexpr int channels = decltype(channels_of())::value;
    using image_part = image_groups<T, channels, size / channels, Groups, How>;

    /// A sample is final: its rows go to the tail.
    static void finish(kernel_call const& call, std::int64_t sample) {
        constexpr std::int64_t sample_rows = rows_of(extents_of<shape_type>()).rows;
        call.tail(sample * sample_rows, sample_rows);
    }
};

} // namespace lockstep::host
