// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <lockstep/layer/avg_pool2d.hpp>
#include <lockstep/layer/max_pool2d.hpp>

#include <algorithm>

namespace bench {

namespace {

constexpr int samples = 16, channels = 64, size = 32, half = size / 2;
constexpr int row_size = size * channels;
constexpr ls::samples<struct image, ls::shape<channels, size, size>> x;
constexpr double elements = double(samples) * size * size * channels;

/// The four pixels under each window of 2x2, and the pixel that they become.
void for_windows(auto* image, auto* pooled, auto visit) {
    for (int row = 0; row < samples * half; ++row)
        for (int column = 0; column < half; ++column) {
            auto* const first = image + 2 * row * row_size + 2 * column * channels;
            visit(first, first + channels, first + row_size, first + row_size + channels,
                  pooled + (row * half + column) * channels);
        }
}

void max_pool(float const* image, float* pooled) {
    for_windows(image, pooled, [](float const* a, float const* b, float const* c, float const* d, float* __restrict y) {
        for (int i = 0; i < channels; ++i) y[i] = std::max(std::max(a[i], b[i]), std::max(c[i], d[i]));
    });
}
/// To the first of the largest.
void max_pool_gradient(float const* image, float const* g, float* dx) {
    std::ptrdiff_t const other = dx - image;
    for_windows(image, g, [other](float const* a, float const* b, float const* c, float const* d, float const* dy) {
        auto const gradient = [other](float const* of) { return const_cast<float*>(of) + other; };
        float *const da = gradient(a), *const db = gradient(b), *const dc = gradient(c), *const dd = gradient(d);
#pragma GCC ivdep
        for (int i = 0; i < channels; ++i) {
            float const top = std::max(a[i], b[i]), bottom = std::max(c[i], d[i]);
            float const above = top >= bottom ? dy[i] : 0.0f, below = top >= bottom ? 0.0f : dy[i];
            da[i] = a[i] >= b[i] ? above : 0.0f;
            db[i] = a[i] >= b[i] ? 0.0f : above;
            dc[i] = c[i] >= d[i] ? below : 0.0f;
            dd[i] = c[i] >= d[i] ? 0.0f : below;
        }
    });
}
void avg_pool(float const* image, float* pooled) {
    for_windows(image, pooled, [](float const* a, float const* b, float const* c, float const* d, float* __restrict y) {
        for (int i = 0; i < channels; ++i) y[i] = 0.25f * (a[i] + b[i] + c[i] + d[i]);
    });
}
void avg_pool_gradient(float const* g, float* dx) {
    for_windows(dx, g, [](float* a, float* b, float* c, float* d, float const* dy) {
#pragma GCC ivdep
        for (int i = 0; i < channels; ++i) a[i] = b[i] = c[i] = d[i] = 0.25f * dy[i];
    });
}

} // namespace

void add_pooling() {
    constexpr auto largest = ls::max_pool2d<2>{}(x);
    constexpr auto mean = ls::avg_pool2d<2>{}(x);
    std::string const shape = "/16x64x32x32";
    add_forward("max pool 2x2" + shape, largest, samples, floats(1.25 * elements),
                [](auto const& at, float* out) { max_pool(at(x), out); });
    add_backward("max pool 2x2" + shape + "/backward", largest, x, samples, floats(2.25 * elements),
                 [](auto const& at, float* out) {
        max_pool_gradient(at(x), at(upstream<decltype(largest)>{}), out);
    });
    add_forward("avg pool 2x2" + shape, mean, samples, floats(1.25 * elements),
                [](auto const& at, float* out) { avg_pool(at(x), out); });
    add_backward("avg pool 2x2" + shape + "/backward", mean, x, samples, floats(1.25 * elements),
                 [](auto const& at, float* out) { avg_pool_gradient(at(upstream<decltype(mean)>{}), out); });
}

} // namespace bench
