// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/expression.hpp>

namespace lockstep {

/// How values are normalized: to mean 0 and variance 1, or to a mean square of 1 alone.
enum class normalization { mean_and_variance, mean_square };

namespace primitive {

template <int Groups, double Epsilon, normalization How>
struct normalize_gradient {
    static constexpr char const* name = "normalize gradient";
    template <class X, class>
    using result_shape = typename X::result_shape;
    template <class X, class>
    static constexpr bool per_sample = X::per_sample;
    template <class X, class>
    static constexpr double flops = 10.0 * static_cast<double>(X::result_shape::size);
};

/// (x - mean) / sqrt(variance + Epsilon), or x / sqrt(mean of squares + Epsilon), where mean and variance (the biased
/// one) are those of each of a sample's Groups equal parts in PyTorch's order. An image's parts are whole channels.
///
/// With y the result, r = 1 / sqrt(variance + Epsilon) and means over a part, the gradient of an upstream g is
/// r (g - mean(g) - y mean(g y)), without mean(g) for the mean square (Ba, Kiros and Hinton, "Layer normalization",
/// 2016; Wu and He, "Group normalization", 2018; Zhang and Sennrich, "Root mean square layer normalization", 2019).
template <int Groups, double Epsilon, normalization How>
struct normalize {
    static constexpr char const* name = "normalize";
    template <class X>
    using result_shape = typename X::result_shape;
    template <class X>
    static constexpr bool per_sample = X::per_sample;
    template <class X>
    static constexpr double flops = 6.0 * static_cast<double>(X::result_shape::size);

    // y and r are computed again from x, which costs less than storing them.
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto x) {
        return compute<normalize_gradient<Groups, Epsilon, How>, decltype(x), decltype(upstream)>{};
    }
};

} // namespace primitive

/// Normalizes each of a sample's Groups equal parts.
template <int Groups, double Epsilon = 1e-5, normalization How = normalization::mean_and_variance, expression X>
constexpr auto normalize_groups(X) {
    static_assert(X::result_shape::size % Groups == 0, "the parts are equal");
    static_assert(X::result_shape::rank != 3 || X::result_shape::extents[0] % Groups == 0, "an image's parts are whole channels");
    return compute<primitive::normalize<Groups, Epsilon, How>, X>{};
}

} // namespace lockstep
