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
/// Convolutions and pooling in two dimensions take [channels, height, width],
struct takes_channels_height_width {};
/// and in one dimension [channels, length].
struct takes_channels_length {};
/// Where a window is dilated, from its first pixel to its last.
struct window_fits_into_padded_image {};
/// The channels of a convolution's input and those of its output, or those that are normalized in groups.
struct groups_divide_channels {};
/// The padding of a transposed convolution is cut off from its result.
struct padding_leaves_a_pixel {};
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
/// A loss on a part of the output.
struct part_lies_within_the_output {};
/// Losses that are added have one batch: targets of the same content and shape.
template <class First, class Other>
struct losses_of_a_sum_take_the_same_targets {};

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

namespace detail {

/// The rule that a shape In breaks for a window that moves over it, on a number of axes behind the channels.
template <int Axes, class In, class Window>
constexpr auto broken_window_rule() {
    if constexpr (In::rank != Axes + 1) {
        if constexpr (Axes == 1) return rule::takes_channels_length{};
        else return rule::takes_channels_height_width{};
    } else if constexpr (Window::out_height(Axes == 1 ? 1 : In::extents[1]) < 1 ||
                         Window::out_width(In::extents[Axes]) < 1) {
        return rule::window_fits_into_padded_image{};
    } else return rule::none{};
}

/// The same for a convolution to OutChannels in groups.
template <int Axes, class In, class Window, int Groups, int OutChannels>
constexpr auto broken_convolution_rule() {
    constexpr auto of_window = broken_window_rule<Axes, In, Window>();
    if constexpr (!std::same_as<decltype(of_window), rule::none const>) return of_window;
    else if constexpr (In::extents[0] % Groups != 0 || OutChannels % Groups != 0)
        return rule::groups_divide_channels{};
    else return rule::none{};
}

} // namespace detail

template <class Layer, any_shape In>
inline constexpr bool accepts = std::same_as<typename broken_rule<Layer, In>::type, rule::none>;

} // namespace lockstep
