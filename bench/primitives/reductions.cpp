// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <lockstep/expression/reduce.hpp>

#include <algorithm>

namespace bench {

namespace {

constexpr int rows = 256;

template <int Columns>
void add_matrix() {
    constexpr ls::samples<struct values, ls::shape<Columns>> x;
    constexpr double size = double(rows) * Columns;
    std::string const shape = "/" + std::to_string(rows) + "x" + std::to_string(Columns);

    add_forward("sum over rows" + shape, ls::sum_to<ls::shape<Columns>, false>(x), rows, floats(size),
                [=](auto const& at, float* __restrict out) {
        float sums[Columns] = {};
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < Columns; ++c) sums[c] += at(x)[r * Columns + c];
        std::copy_n(sums, Columns, out);
    });
    add_forward("sum of each row" + shape, ls::sum<-1>(x), rows, floats(size), [=](auto const& at, float* out) {
        for (int r = 0; r < rows; ++r) {
            float const* const row = at(x) + r * Columns;
            float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
            for (int c = 0; c < Columns; ++c) sum += row[c];
            out[r] = sum;
        }
    });
    add_forward("max of each row" + shape, ls::max<-1>(x), rows, floats(size), [=](auto const& at, float* out) {
        for (int r = 0; r < rows; ++r) {
            float const* const row = at(x) + r * Columns;
            float largest = row[0];
#pragma omp simd reduction(max : largest)
            for (int c = 0; c < Columns; ++c) largest = row[c] > largest ? row[c] : largest;
            out[r] = largest;
        }
    });
    add_forward("sum of squares" + shape, ls::sum_over_batch(x * x), rows, floats(size),
                [=](auto const& at, float* out) {
        float const* const all = at(x);
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int i = 0; i < rows * Columns; ++i) sum += all[i] * all[i];
        *out = sum;
    });
}

/// Over the pixels of images, and over their channels.
void add_images() {
    constexpr int samples = 32, channels = 64, pixels = 16 * 16;
    constexpr ls::samples<struct values, ls::shape<channels, 16, 16>> x;
    work const amount = floats(double(samples) * channels * pixels);
    add_forward("mean over pixels/32x64x16x16", ls::mean<1, 2>(x), samples, amount,
                [=](auto const& at, float* __restrict out) {
        for (int n = 0; n < samples; ++n) {
            float sums[channels] = {};
            for (int p = 0; p < pixels; ++p)
                for (int c = 0; c < channels; ++c) sums[c] += at(x)[(n * pixels + p) * channels + c];
            for (int c = 0; c < channels; ++c) out[n * channels + c] = sums[c] / pixels;
        }
    });
    add_forward("sum over channels/32x64x16x16", ls::sum<0>(x), samples, amount, [=](auto const& at, float* out) {
        for (int p = 0; p < samples * pixels; ++p) {
            float const* const pixel = at(x) + p * channels;
            float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
            for (int c = 0; c < channels; ++c) sum += pixel[c];
            out[p] = sum;
        }
    });
    add_forward("sum over image rows/32x64x16x16", ls::sum<1>(x), samples, amount,
                [=](auto const& at, float* __restrict out) {
        std::fill_n(out, samples * 16 * channels, 0.0f);
        for (int n = 0; n < samples; ++n)
            for (int row = 0; row < 16; ++row)
                for (int i = 0; i < 16 * channels; ++i)
                    out[n * 16 * channels + i] += at(x)[(n * 16 + row) * 16 * channels + i];
    });
}

} // namespace

void add_reductions() {
    add_matrix<512>();
    add_matrix<10>();
    add_images();
}

} // namespace bench
