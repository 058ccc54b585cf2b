// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/expression.hpp>

namespace lockstep {

namespace primitive {

/// The sum over everything that was broadcast: the axes in which Shape has extent 1 or none, and all samples
/// where the result is not per sample. It undoes a broadcast, so it is the gradient of one.
template <any_shape Shape, bool PerSample>
struct sum_to {
    static constexpr char const* name = PerSample ? "sum" : "sum over samples";
    template <class>
    using result_shape = Shape;
    template <class>
    static constexpr bool per_sample = PerSample;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        // The upstream value reaches every summand.
        using operand = decltype(x);
        return apply<function::broadcast_to, decltype(upstream),
                     column_index<typename operand::result_shape, operand::per_sample>>{};
    }
};

/// The last extent becomes 1.
template <class X>
using reduced_row = shape_from<with_last<typename X::result_shape, 1>>;

/// log(sum(exp(x))) over the last axis, computed from x - max(x) so that it never overflows.
struct logsumexp {
    static constexpr char const* name = "logsumexp";
    template <class X>
    using result_shape = reduced_row<X>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = 4.0 * static_cast<double>(X::result_shape::size);

    // d logsumexp(x)/dx = softmax(x) = exp(x - logsumexp(x)): reads operand and result.
    template <int Operand>
    static constexpr auto gradient(auto y, auto upstream, auto x) {
        return upstream * exp(x - y);
    }
};

/// The element of each row that an index (int32, one a row) names.
struct pick {
    static constexpr char const* name = "pick";
    template <class X, class>
    using result_shape = reduced_row<X>;
    template <class X, class>
    static constexpr bool per_sample = X::per_sample;
    template <class, class>
    static constexpr double flops = 0.0;

    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x, auto index) {
        static_assert(Operand == 0, "an index has no gradient");
        return upstream * equal(column_index<typename decltype(x)::result_shape, false>{}, index);
    }
};

/// The index of the first maximum along the last axis, as a number.
struct argmax {
    static constexpr char const* name = "argmax";
    static constexpr bool constant = true;
    template <class X>
    using result_shape = reduced_row<X>;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = static_cast<double>(X::result_shape::size);
};

} // namespace primitive

/// Sums x down to a shape that broadcasts to x's; x itself where nothing is left to sum.
template <any_shape Shape, bool PerSample, expression X>
constexpr auto sum_to(X x) {
    if constexpr (X::result_shape::size <= Shape::size && (PerSample || !X::per_sample)) return x;
    else return compute<primitive::sum_to<Shape, PerSample>, X>{};
}

/// The sum over all samples and axes.
template <expression X>
constexpr auto sum_over_batch(X) {
    return compute<primitive::sum_to<shape<>, false>, X>{};
}

template <expression X>
constexpr auto logsumexp(X) {
    return compute<primitive::logsumexp, X>{};
}

/// x[..., C], index [...] of int32 -> [..., 1].
template <expression X, expression Index>
constexpr auto pick(X, Index) {
    return compute<primitive::pick, X, Index>{};
}

template <expression X>
constexpr auto argmax(X) {
    return compute<primitive::argmax, X>{};
}

} // namespace lockstep
