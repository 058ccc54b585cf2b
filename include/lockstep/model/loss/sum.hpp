// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/shards.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/loss/on.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace lockstep {

/// A loss times a number: `number<0.3> * mse{}` is one. Everything but its values is the loss's.
template <double Weight, any_loss Loss>
struct weighted_loss : Loss {
    static_assert(!detail::is_loss_sum<Loss>, "a sum's weight is that of each of its losses: number<...> * sum");

    constexpr auto operator()(auto output, auto target) const { return number<Weight> * Loss{}(output, target); }
};

template <any_loss First, any_loss... Rest>
struct loss_sum;

namespace detail {

template <class... Losses>
inline constexpr bool is_loss_sum<loss_sum<Losses...>> = true;

/// What a mean divides by: a number for each of what is counted.
template <class Divisor>
struct count_in {
    using counted = Divisor;
    static constexpr double each = 1.0;
};
template <double Each>
struct count_in<apply<function::multiply, sample_count, literal<Each>>> {
    using counted = sample_count;
    static constexpr double each = Each;
};
/// A sum is divided by nothing.
struct nothing {};
template <>
struct count_in<nothing> {
    using counted = nothing;
    static constexpr double each = 1.0;
};

template <class Loss, class Output, class Target>
constexpr auto divisor_of() {
    if constexpr (is_sum_loss<Loss>) return nothing{};
    else if constexpr (has_divisor<Loss, Output, Target>) return Loss::divisor(Output{}, Target{});
    else return sample_count{};
}
template <class Loss, class Output, class Target>
using count_of = count_in<decltype(divisor_of<Loss, Output, Target>())>;

} // namespace detail

/// The sum of losses of the same output and targets: `cross_entropy{} + number<0.3> * mse{}` is one. Each is divided by
/// what it counts in the whole batch, as it is alone.
///
/// Where all of them count the same, but for a number, that is the sum's divisor. Else the divisor is the number of
/// samples, and each loss is divided by what it counts a sample on average: for that the shards of a training meet once
/// and add up what they count. Of a loss that counts nothing in a batch the share is 0 then, not NaN.
///
/// Right answers are those of all the losses that know them.
template <any_loss First, any_loss... Rest>
struct loss_sum {
    static_assert(!detail::is_loss_sum<First> && (!detail::is_loss_sum<Rest> && ...),
                  "sums of losses are added to one sum: first + second");

    template <class In>
    using target_shape = typename First::template target_shape<In>;
    static constexpr leaf_content target_content = First::target_content;
    static constexpr bool is_sum = detail::is_sum_loss<First> && (detail::is_sum_loss<Rest> && ...);

private:
    template <class Loss, class In>
    static constexpr bool takes_same_targets =
        Loss::target_content == target_content &&
        std::is_same_v<typename Loss::template target_shape<In>, target_shape<In>>;
    template <class In, class Loss, class... Others>
    static constexpr auto rule_for() {
        using own = typename lockstep::broken_rule<Loss, In>::type;
        if constexpr (!std::is_same_v<own, rule::none>) return own{};
        else if constexpr (!takes_same_targets<Loss, In>)
            return rule::losses_of_a_sum_take_the_same_targets<First, Loss>{};
        else if constexpr (sizeof...(Others) > 0) return rule_for<In, Others...>();
        else return rule::none{};
    }

    template <std::size_t... Size>
    static constexpr auto join_ranges(std::array<detail::class_range, Size> const&... each) {
        std::array<detail::class_range, (Size + ...)> all{};
        auto next = all.begin();
        ((next = std::copy(each.begin(), each.end(), next)), ...);
        return all;
    }

    template <class Loss, expression Output, expression Target>
    static constexpr bool counts_like_first =
        std::is_same_v<typename detail::count_of<Loss, Output, Target>::counted,
                       typename detail::count_of<First, Output, Target>::counted>;
    template <expression Output, expression Target>
    static constexpr bool counts_alike = (counts_like_first<Rest, Output, Target> && ...);

    /// The values of a loss, for each sample a number, times what makes its own mean of the sum's.
    template <class Loss, expression Output, expression Target>
    static constexpr auto share_of(Output output, Target target) {
        using count = detail::count_of<Loss, Output, Target>;
        using counted = typename count::counted;
        auto const values = sum(Loss{}(output, target) * number<1.0 / count::each>);
        if constexpr (counts_alike<Output, Target> || std::is_same_v<counted, sample_count>) return values;
        else {
            auto const samples = sum_over_shards(sample_count{});
            if constexpr (std::is_same_v<counted, detail::nothing>) return values * samples;
            else {
                auto const all = stop_gradient(sum_over_shards(counted{}));
                return values * (samples / where(equal(all, number<0.0>), number<1.0>, all));
            }
        }
    }
    /// Numbers side by side.
    template <int Index = 0>
    static constexpr auto side_by_side(auto first, auto... rest) {
        using all = shape<1 + static_cast<int>(sizeof...(Rest))>;
        if constexpr (sizeof...(rest) == 0) return first;
        else {
            auto const is_here = equal(column_index<all, false>{}, number<static_cast<double>(Index)>);
            return where(is_here, first, side_by_side<Index + 1>(rest...));
        }
    }
    template <class Loss, expression Output, expression Target>
    static constexpr auto own_divisor(Output, Target) {
        if constexpr (detail::is_sum_loss<Loss>) return number<0.0>;
        else return detail::divisor_of<Loss, Output, Target>();
    }

    template <class Loss, expression Output, expression Target>
    static constexpr auto correct_of(Output output, Target target) {
        if constexpr (detail::has_correct<Loss, Output, Target>) return sum(Loss::correct(output, target));
        else return number<0.0>;
    }
    template <class Loss, expression Output, expression Target>
    static constexpr auto answers_of(Output output, Target target) {
        if constexpr (!detail::has_correct<Loss, Output, Target>) return number<0.0>;
        else if constexpr (detail::has_answers<Loss, Output, Target>) return Loss::answers(output, target);
        else return sample_count{};
    }
    template <expression Output, expression Target>
    static constexpr bool knows_right_answers =
        detail::has_correct<First, Output, Target> || (detail::has_correct<Rest, Output, Target> || ...);

public:
    template <class In>
    using broken_rule = decltype(rule_for<In, First, Rest...>());
    /// A target keeps to what each of the losses takes.
    template <class In>
    static constexpr auto class_ranges() {
        return join_ranges(detail::class_ranges_of<First, In>(), detail::class_ranges_of<Rest, In>()...);
    }

    template <expression Output, expression Target>
    constexpr auto operator()(Output output, Target target) const {
        if constexpr (!std::is_same_v<broken_rule<typename Output::result_shape>, rule::none>) return output;
        else return (share_of<First>(output, target) + ... + share_of<Rest>(output, target));
    }
    template <expression Output, expression Target>
    static constexpr auto divisor(Output, Target) {
        if constexpr (!counts_alike<Output, Target> || is_sum) return sample_count{};
        else return typename detail::count_of<First, Output, Target>::counted{};
    }
    /// In an evaluation, which adds up batches, what losses that count differently add up to and count, side by side;
    /// 0 for one that is divided by nothing.
    template <expression Output, expression Target>
        requires(!counts_alike<Output, Target>)
    static constexpr auto values_apart(Output output, Target target) {
        return side_by_side(sum_over_batch(First{}(output, target)), sum_over_batch(Rest{}(output, target))...);
    }
    template <expression Output, expression Target>
        requires(!counts_alike<Output, Target>)
    static constexpr auto divisors_apart(Output output, Target target) {
        return side_by_side(own_divisor<First>(output, target), own_divisor<Rest>(output, target)...);
    }

    template <expression Output, expression Target>
        requires knows_right_answers<Output, Target>
    static constexpr auto correct(Output output, Target target) {
        return (correct_of<First>(output, target) + ... + correct_of<Rest>(output, target));
    }
    template <expression Output, expression Target>
        requires knows_right_answers<Output, Target>
    static constexpr auto answers(Output output, Target target) {
        return (answers_of<First>(output, target) + ... + answers_of<Rest>(output, target));
    }
};

namespace detail {

/// A sum's weight is that of each loss, and a sum of sums is one sum.
template <double Weight, class Loss>
constexpr weighted_loss<Weight, Loss> times(Loss) {
    return {};
}
template <double Weight, double Inner, class Loss>
constexpr weighted_loss<Weight * Inner, Loss> times(weighted_loss<Inner, Loss>) {
    return {};
}
template <double Weight, class... Losses>
constexpr auto times(loss_sum<Losses...>) {
    return loss_sum<decltype(times<Weight>(Losses{}))...>{};
}
template <class... A, class... B>
constexpr loss_sum<A..., B...> join_losses(loss_sum<A...>, loss_sum<B...>) {
    return {};
}
template <class Loss>
constexpr auto as_sum(Loss) {
    return loss_sum<Loss>{};
}
template <class... Losses>
constexpr auto as_sum(loss_sum<Losses...> sum) {
    return sum;
}

} // namespace detail

/// A loss times a number: number<0.3> * mse{}.
template <double Weight, any_loss Loss>
constexpr auto operator*(literal<Weight>, Loss loss) {
    return detail::times<Weight>(loss);
}

/// The sum of two losses: cross_entropy{} + number<0.3> * mse{}.
template <any_loss First, any_loss Second>
constexpr auto operator+(First first, Second second) {
    return detail::join_losses(detail::as_sum(first), detail::as_sum(second));
}

/// A sum's part is that of each loss.
template <int Begin, int End, any_loss... Losses>
constexpr auto on(loss_sum<Losses...>) {
    return loss_sum<decltype(on<Begin, End>(Losses{}))...>{};
}

} // namespace lockstep
