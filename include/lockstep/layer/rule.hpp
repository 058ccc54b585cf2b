// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/shape.hpp>

#include <concepts>
#include <type_traits>

namespace lockstep {

/// The rules that a layer's input can break. Their names are what the compiler prints.
namespace rule {

struct none {};
/// linear takes [features] or [positions, features]; images want a flatten before it.
struct takes_features_or_positions_by_features {};
/// conv2d and max_pool2d take [channels, height, width].
struct takes_channels_height_width {};
struct window_fits_into_padded_image {};
/// A residual block adds its input to its output.
template <class Output, class Input>
struct output_shape_equals_input_shape {};
/// The branches of a branch_sum.
template <class... Outputs>
struct branches_have_one_output_shape {};
/// The branches of a branch.
template <class First, class... Rest>
struct branches_differ_in_channels_or_features_alone {};
/// Normalizations take [channels], [channels, length] or [channels, height, width].
struct takes_channels_and_positions {};
template <int Axes>
struct has_the_axes_that_are_normalized {};
/// The groups of a convolution's channels, or of those that are normalized together.
struct groups_divide_channels {};
/// Attention takes [positions, features].
struct takes_positions_by_features {};
struct heads_divide_features {};
template <class To, class From>
struct keeps_the_number_of_elements {};
/// An embedding takes class_indices<V, ...>.
struct takes_class_indices {};
/// Class indices are for an embedding.
struct takes_numbers_not_class_indices {};
/// The loss takes one row of class scores a sample.
struct takes_one_score_per_class {};
/// class_weights has as many as there are classes.
struct has_one_weight_per_class {};

} // namespace rule

/// Which rule a layer's input breaks; rule::none where it fits. Layers that take any shape say nothing.
template <class Layer, any_shape In>
struct broken_rule {
    using type = std::conditional_t<is_class_indices<In>, rule::takes_numbers_not_class_indices, rule::none>;
};
template <class Layer, any_shape In>
    requires(!is_class_indices<In> || Layer::takes_class_indices) && requires { typename Layer::template broken_rule<In>; }
struct broken_rule<Layer, In> {
    using type = typename Layer::template broken_rule<In>;
};

template <class Layer, any_shape In>
inline constexpr bool accepts = std::same_as<typename broken_rule<Layer, In>::type, rule::none>;

} // namespace lockstep
