// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/rows.hpp>
#include <lockstep/model/loss.hpp>

#include <cstdint>
#include <limits>
#include <type_traits>

namespace lockstep {

/// Options of losses over classes. Each class keeps 1 - Share of a target's weight, and Share is spread over all.
template <double Share>
struct label_smoothing {
    static_assert(Share >= 0.0 && Share <= 1.0, "label smoothing lies in [0, 1]");
};
/// Targets with this index count nothing.
template <int Index>
struct ignore_index {};
/// A factor for each class; a mean divides by the sum of its targets' factors.
template <double... Weights>
struct class_weights {};
/// An answer is right where fewer than Count scores are higher than the target's, for an evaluation's accuracy; it changes
/// no loss. A score that is NaN is higher than all others.
template <int Count>
struct top_k {
    static_assert(Count >= 1, "the highest scores are at least one");
};

namespace detail {

/// The factor of a target's class.
template <class Weights>
struct weight_of_class;
template <double... Weights>
struct weight_of_class<class_weights<Weights...>> {
    static constexpr int count = sizeof...(Weights);
    static constexpr auto of(auto target) { return from<0, Weights...>(target); }

private:
    template <int Class, double First, double... Rest>
    static constexpr auto from(auto target) {
        if constexpr (sizeof...(Rest) == 0) return number<First>;
        else return where(equal(target, number<static_cast<double>(Class)>), number<First>, from<Class + 1, Rest...>(target));
    }
};

struct class_loss_settings {
    double smoothing = 0.0;
    bool ignores = false, weighs = false, is_sum = false;
    int ignored = 0, top = 1;

    template <double Share>
    constexpr void set(label_smoothing<Share>) {
        smoothing = Share;
    }
    template <int Index>
    constexpr void set(ignore_index<Index>) {
        ignores = true, ignored = Index;
    }
    template <double... Weights>
    constexpr void set(class_weights<Weights...>) {
        weighs = true;
    }
    template <int Count>
    constexpr void set(top_k<Count>) {
        top = Count;
    }
    constexpr void set(reduce_by_sum) { is_sum = true; }
};

template <class... Options>
struct weights_among {
    using type = class_weights<1.0>;
};
template <double... Weights, class... Rest>
struct weights_among<class_weights<Weights...>, Rest...> {
    using type = class_weights<Weights...>;
};
template <class First, class... Rest>
struct weights_among<First, Rest...> : weights_among<Rest...> {};

/// What losses over classes have in common: an index for each row of scores.
template <class... Options>
struct class_loss {
    static constexpr class_loss_settings settings = [] {
        class_loss_settings result;
        (result.set(Options{}), ...);
        return result;
    }();
    using weights = weight_of_class<typename weights_among<Options...>::type>;

    template <class In>
    static constexpr auto rule_for() {
        if constexpr (In::rank < 1 || In::rank > 3) return rule::takes_one_score_per_class{};
        else if constexpr (settings.weighs && weights::count != In::extents[column_axis_of(extents_of<In>())])
            return rule::has_one_weight_per_class{};
        else return rule::none{};
    }
    template <class In>
    using broken_rule = decltype(rule_for<In>());

    template <class In>
    struct row_of {
        using type = primitive::reduced_row<leaf<target_tag, In, true>>;
    };
    /// A class for each row of scores: [classes] has one, [positions, classes] one a position, [classes, height, width]
    /// one a pixel.
    template <class In>
    using target_shape = typename std::conditional_t<In::rank == 1, std::type_identity<shape<>>, row_of<In>>::type;
    static constexpr leaf_content target_content = leaf_content::class_index;
    static constexpr bool is_sum = settings.is_sum;
    /// An index that is no class.
    static constexpr std::int64_t ignored = settings.ignores ? settings.ignored : std::numeric_limits<std::int64_t>::min();

    static constexpr auto divisor(auto, auto target) {
        if constexpr (settings.weighs || settings.ignores) return sum_over_batch(counted(target, weight(target)));
        else return positions(target);
    }
    /// 1 for a row whose highest score is its target's, or one of the highest, else 0.
    static constexpr auto correct(auto scores, auto target) {
        if constexpr (settings.top == 1) return counted(target, equal(argmax(scores), target));
        else return counted(target, less(higher_scores(scores, target), number<static_cast<double>(settings.top)>));
    }
    static constexpr auto answers(auto, auto target) {
        if constexpr (settings.ignores) return sum_over_batch(not_equal(target, number<static_cast<double>(settings.ignored)>));
        else return positions(target);
    }

protected:
    template <expression Target>
    static constexpr auto positions(Target) {
        return sample_count{} * number<static_cast<double>(Target::result_shape::size)>;
    }
    /// How many of a row's scores the target's does not reach: all of them where it is NaN.
    static constexpr auto higher_scores(auto scores, auto target) {
        auto const own = pick(scores, target);
        return sum_to<typename decltype(own)::result_shape, true>(where(less_equal(scores, own), number<0.0>, number<1.0>));
    }
    template <expression Target>
    static constexpr auto weight(Target target) {
        // Not per sample where it is one number for all: a row that is read as often as there are targets.
        if constexpr (settings.weighs) return weights::of(target);
        else return apply<function::broadcast_to, literal<1.0>, Target>{};
    }
    /// A value where the target counts, else 0.
    static constexpr auto counted(auto target, auto value) {
        if constexpr (settings.ignores)
            return where(equal(target, number<static_cast<double>(settings.ignored)>), number<0.0>, value);
        else return value;
    }
};

} // namespace detail

/// Minus the logarithm of the probability that softmax(scores) gives the target's class, logsumexp(x) - x[target], as
/// PyTorch's CrossEntropyLoss with class indices. Scores [classes], [positions, classes] or [classes, height, width];
/// the mean is over all targets. Options: label_smoothing<0.1>, ignore_index<-100>, class_weights<...>, top_k<5>,
/// reduce_by_sum.
///
/// With smoothing s over C classes: (1 - s) (lse - x[target]) + s / C sum over c of (lse - x[c]), where weights apply
/// to the target's class in the first and to each class in the second term.
template <class... Options>
struct cross_entropy_with : detail::class_loss<Options...> {
    using base = detail::class_loss<Options...>;

    template <expression Scores>
    constexpr auto operator()(Scores scores, auto target) const {
        constexpr double smoothing = base::settings.smoothing;
        auto const lse = logsumexp(scores);
        auto const log_loss = weighted(target, lse - pick(scores, target));
        if constexpr (smoothing == 0.0) return base::counted(target, log_loss);
        else {
            using row = typename decltype(lse)::result_shape;
            constexpr int classes = static_cast<int>(Scores::result_shape::size / row::size);
            auto const spread = sum_to<row, true>(class_weighted(lse - scores));
            return base::counted(target, number<1.0 - smoothing> * log_loss + number<smoothing / classes> * spread);
        }
    }

private:
    static constexpr auto weighted(auto target, auto loss) {
        if constexpr (base::settings.weighs) return base::weights::of(target) * loss;
        else return loss;
    }
    template <expression X>
    static constexpr auto class_weighted(X x) {
        if constexpr (base::settings.weighs)
            return base::weights::of(column_index<typename X::result_shape, X::per_sample>{}) * x;
        else return x;
    }
};
using cross_entropy = cross_entropy_with<>;

/// Minus the log-probability of the target's class, as PyTorch's NLLLoss: the model's output are log-probabilities,
/// those of log_softmax. Options: ignore_index<...>, class_weights<...>, top_k<...>, reduce_by_sum.
template <class... Options>
struct nll_with : detail::class_loss<Options...> {
    using base = detail::class_loss<Options...>;
    static_assert(base::settings.smoothing == 0.0, "nll takes no label_smoothing, which cross_entropy does");

    constexpr auto operator()(auto log_probabilities, auto target) const {
        auto const picked = -pick(log_probabilities, target);
        if constexpr (base::settings.weighs) return base::counted(target, base::weights::of(target) * picked);
        else return base::counted(target, picked);
    }
};
using nll = nll_with<>;

} // namespace lockstep
