// SPDX-License-Identifier: MIT
#include "../raw/onednn_gemm.hpp"
#include "pair.hpp"

#include <lockstep/expression/matmul.hpp>

namespace bench {

namespace {

template <int In, int Out>
void add_product(int rows) {
    constexpr ls::samples<struct left, ls::shape<In>> x;
    constexpr ls::variable<struct right, ls::shape<In, Out>> w;
    constexpr auto y = ls::matmul(x, w);
    using gradient = upstream<decltype(y)>;
    std::string const name =
        "matmul/" + std::to_string(rows) + "x" + std::to_string(In) + "x" + std::to_string(Out);
    work const amount = flops(2.0 * rows * In * Out);
    add_forward(name, y, rows, amount, [=](auto const& at, float* out) {
        raw::onednn::multiply(false, false, rows, Out, In, at(x), at(w), out);
    });
    add_backward(name + "/left gradient", y, x, rows, amount, [=](auto const& at, float* out) {
        raw::onednn::multiply(false, true, rows, In, Out, at(gradient{}), at(w), out);
    });
    add_backward(name + "/right gradient", y, w, rows, amount, [=](auto const& at, float* out) {
        raw::onednn::multiply(true, false, In, Out, rows, at(x), at(gradient{}), out);
    });
}

/// Products of matrices [Rows, Inner] and [Inner, Columns], Heads of them in each sample.
template <int Heads, int Rows, int Inner, int Columns>
void add_batched(int samples) {
    constexpr ls::samples<struct left, ls::shape<1, Heads, Rows, Inner>> a;
    constexpr ls::samples<struct right, ls::shape<1, Heads, Inner, Columns>> b;
    constexpr auto y = ls::matmul(a, b);
    using gradient = upstream<decltype(y)>;
    int const products = samples * Heads;
    std::string const name = "batched matmul/" + std::to_string(products) + " of " + std::to_string(Rows) + "x" +
                             std::to_string(Inner) + "x" + std::to_string(Columns);
    work const amount = flops(2.0 * products * Rows * Inner * Columns);
    add_forward(name, y, samples, amount, [=](auto const& at, float* out) {
        for (int i = 0; i < products; ++i)
            raw::onednn::multiply(false, false, Rows, Columns, Inner, at(a) + i * Rows * Inner,
                                  at(b) + i * Inner * Columns, out + i * Rows * Columns);
    });
    add_backward(name + "/left gradient", y, a, samples, amount, [=](auto const& at, float* out) {
        for (int i = 0; i < products; ++i)
            raw::onednn::multiply(false, true, Rows, Inner, Columns, at(gradient{}) + i * Rows * Columns,
                                  at(b) + i * Inner * Columns, out + i * Rows * Inner);
    });
    add_backward(name + "/right gradient", y, b, samples, amount, [=](auto const& at, float* out) {
        for (int i = 0; i < products; ++i)
            raw::onednn::multiply(true, false, Inner, Columns, Rows, at(a) + i * Rows * Inner,
                                  at(gradient{}) + i * Rows * Columns, out + i * Inner * Columns);
    });
}

} // namespace

void add_matmul() {
    add_product<64, 64>(64);
    add_product<128, 10>(64);
    add_product<784, 512>(64);
    add_batched<8, 64, 32, 64>(4);
}

} // namespace bench
