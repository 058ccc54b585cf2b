// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/normalize.hpp>
#include <lockstep/layer/initializer.hpp>
#include <lockstep/layer/layer.hpp>
#include <lockstep/layer/normalization_options.hpp>

namespace lockstep {

namespace detail {

/// The last Axes axes of a shape.
template <class In, int Axes>
struct last_axes {
    static constexpr extents value = [] {
        extents result;
        for (int axis = In::rank - Axes; axis < In::rank; ++axis) result.extent[result.rank++] = In::extents[axis];
        return result;
    }();
};

/// normalize_groups<Groups>; an image's rows, which do not consist of whole channels, by way of a matrix of them.
template <int Groups, double Epsilon, normalization How, expression X>
constexpr auto normalize_parts(X x) {
    using in = typename X::result_shape;
    constexpr bool whole_channels = [] {
        if constexpr (in::rank != 3) return true;
        else return in::extents[0] % Groups == 0;
    }();
    if constexpr (whole_channels) return normalize_groups<Groups, Epsilon, How>(x);
    else return reshape<in>(normalize_groups<Groups, Epsilon, How>(reshape<shape<Groups, static_cast<int>(in::size / Groups)>>(x)));
}

} // namespace detail

/// The last Axes axes of each sample with mean 0 and variance 1, then scaled and shifted element by element, as
/// PyTorch's LayerNorm (Ba, Kiros and Hinton 2016). The shape stays as it is.
/// Parameters: scale ("weight") and bias in the shape of these axes. Options: epsilon<1e-5>, no_affine.
template <int Axes = 1, class... Options>
struct layer_norm {
    static_assert(Axes >= 1, "layer_norm normalizes at least one axis");
    static constexpr auto settings = detail::normalization_settings_of<Options...>;

    template <class In>
    using broken_rule = std::conditional_t<(In::rank >= Axes), rule::none, rule::has_the_axes_that_are_normalized<Axes>>;

    template <class In, class Shape = shape_from<detail::last_axes<In, Axes>>,
              class Scale = parameter<scale, Shape, initializer::ones>, class Bias = parameter<bias, Shape, initializer::zeros>>
    using parameters_for = std::conditional_t<settings.affine, lockstep::parameters<Scale, Bias>, lockstep::parameters<>>;
    template <class In>
    using parameters = parameters_for<In>;

    template <expression X>
    constexpr auto operator()(X x, auto context) const {
        using in = typename X::result_shape;
        using normalized = shape_from<detail::last_axes<in, Axes>>;
        auto const y = detail::normalize_parts<static_cast<int>(in::size / normalized::size), settings.epsilon,
                                               normalization::mean_and_variance>(x);
        if constexpr (settings.affine) return y * context[scale{}] + context[bias{}];
        else return y;
    }
};

/// The last Axes axes of each sample with a mean square of 1, then scaled, as PyTorch's RMSNorm (Zhang and Sennrich
/// 2019). Parameter: scale ("weight"). Options: epsilon<1e-5>, no_affine.
template <int Axes = 1, class... Options>
struct rms_norm {
    static_assert(Axes >= 1, "rms_norm normalizes at least one axis");
    static constexpr auto settings = detail::normalization_settings_of<Options...>;

    template <class In>
    using broken_rule = typename layer_norm<Axes>::template broken_rule<In>;

    template <class In, class Scale = parameter<scale, shape_from<detail::last_axes<In, Axes>>, initializer::ones>>
    using parameters_for = std::conditional_t<settings.affine, lockstep::parameters<Scale>, lockstep::parameters<>>;
    template <class In>
    using parameters = parameters_for<In>;

    template <expression X>
    constexpr auto operator()(X x, auto context) const {
        using in = typename X::result_shape;
        using normalized = shape_from<detail::last_axes<in, Axes>>;
        auto const y = detail::normalize_parts<static_cast<int>(in::size / normalized::size), settings.epsilon,
                                               normalization::mean_square>(x);
        if constexpr (settings.affine) return y * context[scale{}];
        else return y;
    }
};

} // namespace lockstep
