// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/group.hpp>
#include <lockstep/expression/math.hpp>

#include <limits>

namespace lockstep::rows {

/// log(sum(exp(x))) of a row, from x - max(x). A row of -infinity gives -infinity, one with +infinity +infinity,
/// one with NaN NaN, as in PyTorch.
template <int Columns, class T, group_of_threads<T> Group>
constexpr T logsumexp(T const* x, Group const& group) {
    T const largest = group.template max<Columns, T>([x](int c) { return x[c]; });
    T const infinity = std::numeric_limits<T>::infinity();
    T const shift = largest == infinity || largest == -infinity ? T(0) : largest;
    T const sum = group.template sum<Columns, T>([x, shift](int c) { return math::exp(x[c] - shift); });
    return shift + math::log(sum);
}

/// y = exp(x - logsumexp(x)), which adds up to 1.
template <int Columns, class T, group_of_threads<T> Group>
constexpr void softmax(T const* x, T* y, Group const& group) {
    T const largest = group.template max<Columns, T>([x](int c) { return x[c]; });
    group.template each<Columns>([x, y, largest](int c) { y[c] = math::exp(x[c] - largest); });
    T const sum = group.template sum<Columns, T>([y](int c) { return y[c]; });
    group.template each<Columns>([y, sum](int c) { y[c] /= sum; });
}

/// The column of a row's first maximum; a NaN counts as larger than any number, as in PyTorch.
template <int Columns, class T>
constexpr int argmax(T const* x) {
    int best = 0;
    for (int c = 1; c < Columns; ++c)
        if (x[c] > x[best] || (x[c] != x[c] && x[best] == x[best])) best = c;
    return best;
}

} // namespace lockstep::rows
