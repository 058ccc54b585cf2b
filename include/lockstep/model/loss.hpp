// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/reduce.hpp>
#include <lockstep/layer/rule.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace lockstep {

/// A loss is an empty type with an expression for one sample, `operator()(output, target)`, of any shape: its elements
/// are added up. What it says of its targets: their shape for an output of shape In, `target_shape<In>`, and their
/// `target_content`, numbers or class indices.
///
/// A step divides the sum over a batch by what all of its samples count, after all shards have been added up. That is
/// the number of samples, unless a loss has `divisor(output, target)`, an expression of one number for all samples of
/// a shard: the mean over the elements of an output divides by more, an ignored target counts nothing. With
/// `static constexpr bool is_sum = true` nothing is divided.
///
/// A loss that knows right answers says which samples' are, `correct(output, target)`, 1 or 0; and, where not every
/// sample has exactly one, how many answers there are, `answers(output, target)`, like divisor.

/// The tag of the leaf that holds a batch's targets.
struct target_tag {};

/// An option of losses: the sum over a batch instead of its mean.
struct reduce_by_sum {};

template <class Loss>
concept any_loss = std::is_empty_v<Loss> && requires {
    { Loss::target_content } -> std::convertible_to<leaf_content>;
};

namespace detail {

/// Whether a loss is divided by nothing.
template <class Loss>
inline constexpr bool is_sum_loss = [] {
    if constexpr (requires { Loss::is_sum; }) return bool(Loss::is_sum);
    else return false;
}();

/// Whether it is made of losses that each have their own divisor.
template <class Loss>
inline constexpr bool is_loss_sum = false;

template <class Loss, class Output, class Target>
concept has_divisor = requires { Loss::divisor(Output{}, Target{}); };
template <class Loss, class Output, class Target>
concept has_correct = requires { Loss::correct(Output{}, Target{}); };
template <class Loss, class Output, class Target>
concept has_answers = requires { Loss::answers(Output{}, Target{}); };

/// Which class indices a loss takes: 0 to classes - 1, and one that it ignores.
struct class_range {
    int classes = 0;
    std::int64_t ignored = std::numeric_limits<std::int64_t>::min();
};

/// All that targets must keep to for an output of shape In.
template <class Loss, class In>
constexpr auto class_ranges_of() {
    if constexpr (requires { Loss::template class_ranges<In>(); }) return Loss::template class_ranges<In>();
    else {
        class_range range;
        range.classes = static_cast<int>(rows_of(extents_of<In>()).columns);
        if constexpr (requires { Loss::ignored; }) range.ignored = Loss::ignored;
        return std::array{range};
    }
}

/// What losses over numbers have in common: targets of the output's shape, and means over all elements.
template <class... Options>
struct elementwise_loss {
    template <class In>
    using target_shape = In;
    static constexpr leaf_content target_content = leaf_content::number;
    static constexpr bool is_sum = (std::same_as<Options, reduce_by_sum> || ...);

    template <expression Output>
    static constexpr auto divisor(Output, auto) {
        return sample_count{} * number<static_cast<double>(Output::result_shape::size)>;
    }
};

} // namespace detail

} // namespace lockstep
