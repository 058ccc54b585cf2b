// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/group.hpp>
#include <lockstep/expression/math.hpp>
#include <lockstep/expression/normalize.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

namespace lockstep::rows {

/// log(sum(exp(x))) of a row, from x - max(x). A row of -infinity gives -infinity, one with +infinity +infinity,
/// one with NaN NaN, as in PyTorch.
/// X, Y: pointers, or whatever else has elements by index that are T or convert to it.
template <int Columns, class T, class X, group_of_threads<T> Group>
constexpr T logsumexp(X x, Group const& group) {
    T const largest = group.template max<Columns, T>([x](int c) { return x[c]; });
    T const infinity = std::numeric_limits<T>::infinity();
    T const shift = largest == infinity || largest == -infinity ? T(0) : largest;
    T const sum = group.template sum<Columns, T>([x, shift](int c) { return math::exp(x[c] - shift); });
    return shift + math::log(sum);
}

/// y = exp(x - logsumexp(x)), which adds up to 1.
template <int Columns, class T, class X, class Y, group_of_threads<T> Group>
constexpr void softmax(X x, Y y, Group const& group) {
    T const largest = group.template max<Columns, T>([x](int c) { return x[c]; });
    if constexpr (std::is_same_v<Y, T*>) {
        group.template each<Columns>([x, y, largest](int c) { y[c] = math::exp(x[c] - largest); });
        T const sum = group.template sum<Columns, T>([y](int c) { return y[c]; });
        group.template each<Columns>([y, share = T(1) / sum](int c) { y[c] *= share; });
    } else {
        // Where y is rounded, what shall add up to 1 is not what it holds.
        T const sum = group.template sum<Columns, T>([x, largest](int c) { return math::exp(x[c] - largest); });
        group.template each<Columns>([=, share = T(1) / sum](int c) { y[c] = math::exp(x[c] - largest) * share; });
    }
}

/// A row's mean, or 0 for the mean square, and 1 / sqrt(variance + epsilon).
template <class T>
struct row_moments {
    T mean, scale;
};
template <int Columns, normalization How, class X, class T, group_of_threads<T> Group>
constexpr row_moments<T> moments(X x, T epsilon, Group const& group) {
    T mean = 0;
    if constexpr (How == normalization::mean_and_variance)
        mean = group.template sum<Columns, T>([x](int c) { return x[c]; }) / T(Columns);
    T const squares = group.template sum<Columns, T>([x, mean](int c) { return (x[c] - mean) * (x[c] - mean); });
    return {mean, T(1) / std::sqrt(squares / T(Columns) + epsilon)};
}

/// y = (x - mean) / sqrt(variance + epsilon).
template <int Columns, normalization How, class X, class Y, class T, group_of_threads<T> Group>
constexpr void normalize(X x, Y y, T epsilon, Group const& group) {
    auto const [mean, scale] = moments<Columns, How>(x, epsilon, group);
    group.template each<Columns>([=, m = mean, s = scale](int c) { y[c] = (x[c] - m) * s; });
}

/// Its gradient of an upstream g: scale (g - mean(g) - y mean(g y)).
template <int Columns, normalization How, class X, class G, class Y, class T, group_of_threads<T> Group>
constexpr void normalize_gradient(X x, G g, Y dx, T epsilon, Group const& group) {
    row_moments<T> const row = moments<Columns, How>(x, epsilon, group);
    auto const y = [x, row](int c) { return (x[c] - row.mean) * row.scale; };
    T mean_g = 0;
    if constexpr (How == normalization::mean_and_variance)
        mean_g = group.template sum<Columns, T>([g](int c) { return g[c]; }) / T(Columns);
    T const mean_gy = group.template sum<Columns, T>([g, y](int c) { return g[c] * y(c); }) / T(Columns);
    group.template each<Columns>([=](int c) { dx[c] = row.scale * (g[c] - mean_g - y(c) * mean_gy); });
}

/// The column of a row's first maximum; a NaN counts as larger than any number, as in PyTorch.
template <int Columns, class T>
constexpr int argmax(T const* x) {
    int best = 0;
    for (int c = 1; c < Columns; ++c)
        if (x[c] > x[best] || (x[c] != x[c] && x[best] == x[best])) best = c;
    return best;
}
/// The same by a group: the maximum, and then the first column that has it. A NaN is the maximum if there is one.
template <int Columns, class T, class X, group_of_threads<T> Group>
constexpr int argmax(X x, Group const& group) {
    T const largest = group.template max<Columns, T>([x](int c) { return x[c]; });
    auto const negated_place = [x, largest](int c) { return x[c] == largest || x[c] != x[c] ? -c : -Columns; };
    return -group.template max<Columns, int>(negated_place);
}

} // namespace lockstep::rows
