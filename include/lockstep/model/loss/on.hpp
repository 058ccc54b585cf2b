// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/movement.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/shape/memory_order.hpp>

#include <type_traits>

namespace lockstep {

/// A loss on a part of the output: features, of an image channels, Begin to End - 1, as a branch puts them one behind
/// another. `on<0, 10>(cross_entropy{})` is one.
///
/// Targets that are numbers lie beside the output, and the loss gets the same part of both: outputs are then [features]
/// or [positions, features]. Class indices, and whatever else has not the output's shape, are the loss's own: the classes
/// are those of the part. Divisor, right answers and what is ignored are those of the loss for the part.
template <int Begin, int End, any_loss Loss>
struct loss_on {
    static_assert(0 <= Begin && Begin < End, "a part of an output begins at 0 or later and has at least one feature");
    static_assert(!detail::is_loss_sum<Loss>, "a sum's part is that of each of its losses: on<...>(sum)");

private:
    template <class In>
    static constexpr bool lies_within = [] {
        if constexpr (In::rank == 0) return false;
        else return End <= In::extents[column_axis_of(extents_of<In>())];
    }();
    /// The part's shape; where it does not lie within the output, after that error, the output's.
    template <class In, bool LiesWithin = lies_within<In>>
    struct part_of {
        using type = In;
    };
    template <class In>
    struct part_of<In, true> {
        static constexpr int axis = column_axis_of(extents_of<In>());
        using type = shape_from<primitive::with_extent<In, axis, End - Begin>>;
    };
    template <class In>
    using part = typename part_of<In>::type;

    /// Whether targets are cut as the output is.
    template <class In>
    static constexpr bool cuts_targets = Loss::target_content == leaf_content::number &&
                                         std::is_same_v<typename Loss::template target_shape<part<In>>, part<In>>;
    template <class In, expression X>
    static constexpr auto cut(X x) {
        if constexpr (!lies_within<In>) return x;
        else return slice<column_axis_of(extents_of<In>()), Begin, End>(x);
    }
    template <class In>
    static constexpr auto cut_target(auto target) {
        if constexpr (cuts_targets<In>) return cut<In>(target);
        else return target;
    }
    template <expression Output>
    using output_part = decltype(cut<typename Output::result_shape>(Output{}));
    template <expression Output, expression Target>
    using target_part = decltype(cut_target<typename Output::result_shape>(Target{}));

    template <class In>
    static constexpr auto rule_for() {
        if constexpr (!lies_within<In>) return rule::part_lies_within_the_output{};
        else if constexpr (cuts_targets<In> && In::rank > 2) return rule::takes_features_or_positions_by_features{};
        else return typename lockstep::broken_rule<Loss, part<In>>::type{};
    }

public:
    template <class In>
    using broken_rule = decltype(rule_for<In>());
    template <class In>
    using target_shape = std::conditional_t<cuts_targets<In>, In, typename Loss::template target_shape<part<In>>>;
    static constexpr leaf_content target_content = Loss::target_content;
    static constexpr bool is_sum = detail::is_sum_loss<Loss>;
    template <class In>
    static constexpr auto class_ranges() {
        return detail::class_ranges_of<Loss, part<In>>();
    }

    template <expression Output, expression Target>
    constexpr auto operator()(Output, Target) const {
        return Loss{}(output_part<Output>{}, target_part<Output, Target>{});
    }
    template <expression Output, expression Target>
        requires detail::has_divisor<Loss, output_part<Output>, target_part<Output, Target>>
    static constexpr auto divisor(Output, Target) {
        return Loss::divisor(output_part<Output>{}, target_part<Output, Target>{});
    }
    template <expression Output, expression Target>
        requires detail::has_correct<Loss, output_part<Output>, target_part<Output, Target>>
    static constexpr auto correct(Output, Target) {
        return Loss::correct(output_part<Output>{}, target_part<Output, Target>{});
    }
    template <expression Output, expression Target>
        requires detail::has_answers<Loss, output_part<Output>, target_part<Output, Target>>
    static constexpr auto answers(Output, Target) {
        return Loss::answers(output_part<Output>{}, target_part<Output, Target>{});
    }
};

/// The loss on features Begin to End - 1: on<0, 10>(cross_entropy{}).
template <int Begin, int End, any_loss Loss>
constexpr loss_on<Begin, End, Loss> on(Loss) {
    return {};
}

} // namespace lockstep
