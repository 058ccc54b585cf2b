// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel_for.hpp>
#include <lockstep/expression/reshape.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::host {

/// Copies values of shape From to shape To, in PyTorch's order: an image lies in memory channels-last, everything
/// else row-major. tail gets the rows of the result, sample by sample.
template <class T, any_shape From, any_shape To>
void reshape(T const* from, T* to, std::int64_t n, row_tail tail = {}) {
    // Where the element lies that is number `index` in PyTorch's order.
    constexpr auto place = []<any_shape Shape>(std::int64_t index, Shape) {
        if constexpr (Shape::rank != 3) return index;
        else {
            constexpr std::int64_t channels = Shape::extents[0], pixels = Shape::size / channels;
            return index % pixels * channels + index / pixels;
        }
    };
    constexpr std::int64_t rows = rows_of(extents_of<To>()).rows;
    for (std::int64_t sample = 0; sample < n; ++sample, from += From::size, to += From::size) {
        for (std::int64_t i = 0; i < From::size; ++i) to[place(i, To{})] = from[place(i, From{})];
        tail(sample * rows, rows);
    }
}

template <class T, class Library, class Shape, class X>
struct kernel_for<T, Library, compute<primitive::reshape<Shape>, X>> {
    static void run(kernel_call const& call) {
        reshape<T, typename X::result_shape, Shape>(call.operand<T>(0), static_cast<T*>(call.result), call.samples,
                                                    call.tail);
    }
    static constexpr kernel value{&run, nullptr, true};
};

} // namespace lockstep::host
