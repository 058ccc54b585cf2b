// SPDX-License-Identifier: MIT
#pragma once

#include "../models.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

/// What stands between the library calls of a training step, as loops that the compiler vectorizes: rows
/// outside, a constant number of columns inside.
namespace raw {

/// e^x to about 2 ulp; Cephes' polynomial, in a form that vectorizes.
inline float exponential(float x) {
    constexpr float rounder = 12582912.0f; // 1.5 * 2^23: adding it rounds to an integer in the low bits
    x = std::min(std::max(x, -87.0f), 88.0f);
    float const shifted = x * 1.44269504f + rounder;
    float const n = shifted - rounder;
    float const r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    auto const scale = (std::bit_cast<std::uint32_t>(shifted) + 127u) << 23;
    return (p * r * r + r + 1.0f) * std::bit_cast<float>(scale);
}

template <bench::activation Activation>
float activate(float x) {
    if constexpr (Activation == bench::activation::tanh) return 1.0f - 2.0f / (exponential(2.0f * x) + 1.0f);
    else return std::max(x, 0.0f);
}

/// The derivative, given the activation's output.
template <bench::activation Activation>
float derivative(float y) {
    if constexpr (Activation == bench::activation::tanh) return 1.0f - y * y;
    else return y > 0.0f ? 1.0f : 0.0f;
}

template <int Columns>
void add_bias(int rows, float* y, float const* bias) {
    for (int r = 0; r < rows; ++r, y += Columns)
        for (int c = 0; c < Columns; ++c) y[c] += bias[c];
}

template <bench::activation Activation, int Columns>
void add_bias_and_activate(int rows, float* __restrict y, float const* __restrict bias) {
    for (int r = 0; r < rows; ++r, y += Columns)
        for (int c = 0; c < Columns; ++c) y[c] = activate<Activation>(y[c] + bias[c]);
}

/// Multiplies the upstream gradient by the derivative, and sums its columns into the bias' gradient.
template <bench::activation Activation, int Columns>
void activation_gradient(int rows, float* __restrict gradient, float const* __restrict y,
                         float* __restrict bias) {
    std::fill_n(bias, Columns, 0.0f);
    for (int r = 0; r < rows; ++r, y += Columns, gradient += Columns)
        for (int c = 0; c < Columns; ++c) {
            gradient[c] *= derivative<Activation>(y[c]);
            bias[c] += gradient[c];
        }
}

/// Turns biased logits into the gradient of the summed loss, and sums that into the bias' gradient.
/// Returns the summed loss.
template <int Classes>
double softmax_cross_entropy(int rows, float* __restrict logits, std::int32_t const* __restrict targets,
                             float* __restrict bias) {
    double loss = 0;
    float sums[Classes] = {};
    for (int r = 0; r < rows; ++r, logits += Classes) {
        float const maximum = *std::max_element(logits, logits + Classes);
        float const target = logits[targets[r]] - maximum;
        float e[Classes];
        float total = 0;
        for (int c = 0; c < Classes; ++c) e[c] = exponential(logits[c] - maximum);
        for (int c = 0; c < Classes; ++c) total += e[c];
        for (int c = 0; c < Classes; ++c) logits[c] = e[c] * (1.0f / total);
        logits[targets[r]] -= 1.0f;
        for (int c = 0; c < Classes; ++c) sums[c] += logits[c];
        loss += std::log(total) - target;
    }
    std::copy_n(sums, Classes, bias);
    return loss;
}

/// SGD with momentum: v = momentum v + scale (g + h), w -= learning_rate v. h may be null.
inline void update(std::size_t first, std::size_t last, float* __restrict w, float* __restrict v,
                   float const* __restrict g, float const* __restrict h, float scale) {
    auto const apply = [&](std::size_t i, float gradient) {
        v[i] = bench::momentum * v[i] + scale * gradient;
        w[i] -= bench::learning_rate * v[i];
    };
    if (h)
        for (std::size_t i = first; i < last; ++i) apply(i, g[i] + h[i]);
    else
        for (std::size_t i = first; i < last; ++i) apply(i, g[i]);
}

} // namespace raw
