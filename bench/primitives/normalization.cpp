// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/normalization_options.hpp>
#include <lockstep/expression/normalize.hpp>

#include <cmath>

namespace bench {

namespace {

constexpr float epsilon = 1e-5f;

/// A mean and 1 / sqrt(variance + epsilon).
struct moments {
    float mean, scale;
};
template <int Columns>
moments moments_of(float const* x) {
    float sum = 0.0f, squares = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < Columns; ++c) sum += x[c];
    float const mean = sum / Columns;
#pragma omp simd reduction(+ : squares)
    for (int c = 0; c < Columns; ++c) squares += (x[c] - mean) * (x[c] - mean);
    return {mean, 1.0f / std::sqrt(squares / Columns + epsilon)};
}

/// Rows to mean 0 and variance 1.
template <int Columns>
void add_layer_norm(int rows) {
    constexpr ls::samples<struct values, ls::shape<Columns>> x;
    constexpr auto y = ls::normalize_groups<1>(x);
    using gradient = upstream<decltype(y)>;
    std::string const name = "layer norm/" + std::to_string(rows) + "x" + std::to_string(Columns);
    double const size = double(rows) * Columns;
    add_forward(name, y, rows, floats(2 * size), [=](auto const& at, float* __restrict out) {
        for (int r = 0; r < rows; ++r) {
            float const* const in = at(x) + r * Columns;
            auto const [mean, scale] = moments_of<Columns>(in);
            for (int c = 0; c < Columns; ++c) out[r * Columns + c] = (in[c] - mean) * scale;
        }
    });
    add_backward(name + "/backward", y, x, rows, floats(3 * size), [=](auto const& at, float* __restrict out) {
        for (int r = 0; r < rows; ++r) {
            float const *const in = at(x) + r * Columns, *const g = at(gradient{}) + r * Columns;
            auto const [mean, scale] = moments_of<Columns>(in);
            float sum_g = 0.0f, sum_gy = 0.0f;
#pragma omp simd reduction(+ : sum_g, sum_gy)
            for (int c = 0; c < Columns; ++c) sum_g += g[c], sum_gy += g[c] * (in[c] - mean) * scale;
            float const mean_g = sum_g / Columns, mean_gy = sum_gy / Columns;
            for (int c = 0; c < Columns; ++c)
                out[r * Columns + c] = scale * (g[c] - mean_g - (in[c] - mean) * scale * mean_gy);
        }
    });
}

constexpr int samples = 16, channels = 64, pixels = 16 * 16;
constexpr ls::samples<struct images, ls::shape<channels, 16, 16>> image;
constexpr double image_size = double(samples) * channels * pixels;

/// For each channel the sums over `count` pixels of what f(pixel, channel) returns.
void sum_channels(int count, float (&sums)[channels], auto f) {
    std::fill_n(sums, channels, 0.0f);
    for (int p = 0; p < count; ++p)
        for (int c = 0; c < channels; ++c) sums[c] += f(p, c);
}

/// Moments of each channel over `count` pixels, with the channels of a group of Width taken together.
template <int Width>
void average_groups(int count, float (&sums)[channels]) {
    for (int first = 0; first < channels; first += Width) {
        float sum = 0.0f;
        for (int c = first; c < first + Width; ++c) sum += sums[c];
        for (int c = first; c < first + Width; ++c) sums[c] = sum / static_cast<float>(Width * count);
    }
}
template <int Width>
void channel_moments(int count, float const* x, float (&mean)[channels], float (&scale)[channels]) {
    sum_channels(count, mean, [&](int p, int c) { return x[p * channels + c]; });
    average_groups<Width>(count, mean);
    sum_channels(count, scale, [&](int p, int c) {
        float const deviation = x[p * channels + c] - mean[c];
        return deviation * deviation;
    });
    average_groups<Width>(count, scale);
    for (float& s : scale) s = 1.0f / std::sqrt(s + epsilon);
}
template <int Width>
void normalize(int count, float const* x, float* __restrict y) {
    float mean[channels], scale[channels];
    channel_moments<Width>(count, x, mean, scale);
    for (int p = 0; p < count; ++p)
        for (int c = 0; c < channels; ++c) y[p * channels + c] = (x[p * channels + c] - mean[c]) * scale[c];
}
template <int Width>
void normalize_gradient(int count, float const* x, float const* g, float* __restrict dx) {
    float mean[channels], scale[channels], mean_g[channels], mean_gy[channels];
    channel_moments<Width>(count, x, mean, scale);
    auto const y = [&](int i, int c) { return (x[i] - mean[c]) * scale[c]; };
    sum_channels(count, mean_g, [&](int p, int c) { return g[p * channels + c]; });
    sum_channels(count, mean_gy, [&](int p, int c) { return g[p * channels + c] * y(p * channels + c, c); });
    average_groups<Width>(count, mean_g);
    average_groups<Width>(count, mean_gy);
    for (int p = 0; p < count; ++p)
        for (int c = 0; c < channels; ++c) {
            int const i = p * channels + c;
            dx[i] = scale[c] * (g[i] - mean_g[c] - y(i, c) * mean_gy[c]);
        }
}

void add_group_norm() {
    constexpr auto y = ls::normalize_groups<8>(image);
    add_forward("group norm/16x64x16x16", y, samples, floats(2 * image_size), [](auto const& at, float* out) {
        for (int n = 0; n < samples; ++n)
            normalize<channels / 8>(pixels, at(image) + n * pixels * channels, out + n * pixels * channels);
    });
    add_backward("group norm/16x64x16x16/backward", y, image, samples, floats(3 * image_size),
                 [](auto const& at, float* out) {
        float const* const g = at(upstream<decltype(y)>{});
        for (int n = 0, first = 0; n < samples; ++n, first += pixels * channels)
            normalize_gradient<channels / 8>(pixels, at(image) + first, g + first, out + first);
    });
}

/// In training, over all pixels of a batch.
void add_batch_norm() {
    using layer = ls::batch_norm<ls::no_affine>;
    constexpr auto y = ls::forward<layer, 0, ls::training_mode>(image);
    add_forward("batch norm/16x64x16x16", y, samples, floats(2 * image_size),
                [](auto const& at, float* out) { normalize<1>(samples * pixels, at(image), out); });
    add_backward("batch norm/16x64x16x16/backward", y, image, samples, floats(3 * image_size),
                 [](auto const& at, float* out) {
        normalize_gradient<1>(samples * pixels, at(image), at(upstream<decltype(y)>{}), out);
    });
}

} // namespace

void add_normalization() {
    add_layer_norm<64>(1024);
    add_layer_norm<768>(128);
    add_group_norm();
    add_batch_norm();
}

} // namespace bench
