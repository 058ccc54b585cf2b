// SPDX-License-Identifier: MIT
#include "../raw/loops.hpp"
#include "pair.hpp"

#include <lockstep/layer/softmax.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>

#include <cmath>

namespace bench {

namespace {

template <int Columns>
float largest_of(float const* x) {
    float largest = x[0];
#pragma omp simd reduction(max : largest)
    for (int c = 0; c < Columns; ++c) largest = x[c] > largest ? x[c] : largest;
    return largest;
}
template <int Columns>
float logsumexp_of(float const* x) {
    float const largest = largest_of<Columns>(x);
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int c = 0; c < Columns; ++c) sum += raw::exponential(x[c] - largest);
    return largest + std::log(sum);
}

template <int Columns>
void softmax(int rows, float const* x, float* __restrict y) {
    for (int r = 0; r < rows; ++r, x += Columns, y += Columns) {
        float const largest = largest_of<Columns>(x);
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int c = 0; c < Columns; ++c) sum += y[c] = raw::exponential(x[c] - largest);
        float const share = 1.0f / sum;
        for (int c = 0; c < Columns; ++c) y[c] *= share;
    }
}

/// From the softmax y.
template <int Columns>
void softmax_gradient(int rows, float const* y, float const* g, float* __restrict dx) {
    for (int r = 0; r < rows; ++r, y += Columns, g += Columns, dx += Columns) {
        float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
        for (int c = 0; c < Columns; ++c) sum += y[c] * g[c];
        for (int c = 0; c < Columns; ++c) dx[c] = y[c] * (g[c] - sum);
    }
}

template <int Columns>
void add_rows_of(int rows) {
    constexpr ls::samples<struct scores, ls::shape<Columns>> x;
    constexpr ls::leaf<struct targets, ls::shape<>, true, ls::leaf_content::class_index> target;
    std::string const size = "/" + std::to_string(rows) + "x" + std::to_string(Columns);
    double const count = double(rows) * Columns;

    constexpr auto y = ls::softmax{}(x);
    add_forward("softmax" + size, y, rows, floats(2 * count),
                [=](auto const& at, float* out) { softmax<Columns>(rows, at(x), out); });
    add_backward("softmax" + size + "/backward", y, x, rows, floats(3 * count), [=](auto const& at, float* out) {
        softmax_gradient<Columns>(rows, at.template result<0>().data(), at(upstream<decltype(y)>{}), out);
    });

    constexpr auto l = ls::logsumexp(x);
    add_forward("logsumexp" + size, l, rows, floats(count), [=](auto const& at, float* out) {
        for (int r = 0; r < rows; ++r) out[r] = logsumexp_of<Columns>(at(x) + r * Columns);
    });
    add_backward("logsumexp" + size + "/backward", l, x, rows, floats(2 * count), [=](auto const& at, float* out) {
        float const *lse = at.template result<0>().data(), *g = at(upstream<decltype(l)>{});
        for (int r = 0; r < rows; ++r)
            for (int c = 0; c < Columns; ++c)
                out[r * Columns + c] = g[r] * raw::exponential(at(x)[r * Columns + c] - lse[r]);
    });

    // The loss of a batch is one number, and so is what flows in.
    constexpr auto loss = ls::sum_over_batch(ls::cross_entropy{}(x, target));
    add_forward("cross entropy" + size, loss, rows, floats(count), [=](auto const& at, float* out) {
        float sum = 0.0f;
        for (int r = 0; r < rows; ++r)
            sum += logsumexp_of<Columns>(at(x) + r * Columns) - at(x)[r * Columns + at(target)[r]];
        *out = sum;
    }, Columns);
    // A backward pass has the logarithms; by hand they are kept too.
    auto const lse = std::make_shared<std::vector<float>>();
    add_backward("cross entropy" + size + "/backward", loss, x, rows, floats(2 * count),
                 [=](auto const& at, float* out) {
        if (lse->empty())
            for (int r = 0; r < rows; ++r) lse->push_back(logsumexp_of<Columns>(at(x) + r * Columns));
        float const g = *at(upstream<decltype(loss)>{});
        for (int r = 0; r < rows; ++r) {
            for (int c = 0; c < Columns; ++c)
                out[r * Columns + c] = g * raw::exponential(at(x)[r * Columns + c] - (*lse)[r]);
            out[r * Columns + at(target)[r]] -= g;
        }
    }, Columns);
}

} // namespace

void add_rows() {
    add_rows_of<10>(1024);
    add_rows_of<1000>(64);
}

} // namespace bench
