// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/parallel/timeline.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/loss_scaling.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace lockstep {

/// An option of a trainer: it updates with the mean gradient over so many batches, as if they were one. Losses are those
/// of each batch. trainer.finish_accumulation() updates with what there is, at an epoch's end.
///
///   trainer trainer{model, cross_entropy{}, sgd{}, batch_size<64>, accumulate{4}};
struct accumulate {
    /// Throws usage_error for less than one batch.
    explicit constexpr accumulate(int count) : batches(count) {
        if (count < 1) throw usage_error("accumulate: expected at least 1 batch, found " + std::to_string(count));
    }
    int batches;
};

/// What the compiler prints for an argument of a trainer that is no option, or for two of a kind.
template <class Argument>
struct trainer_argument {
    template <bool IsOption>
    struct is_an_option {
        static_assert(IsOption, "a trainer's last arguments are options: a clip, accumulate, record, loss_scaling; each "
                                "once. The type above names what was found");
    };
};

namespace detail {

template <class Option>
concept clip_option = requires {
    { Option::needs_norm } -> std::convertible_to<bool>;
};

/// A trainer's options, each from its kind of argument or as it is without one.
template <class... Options>
struct trainer_options {
    template <class Wanted>
    static constexpr int count_of = (0 + ... + static_cast<int>(std::is_same_v<Wanted, Options>));
    static constexpr int clips = (0 + ... + static_cast<int>(clip_option<Options>));
    template <class Option>
    static constexpr bool is_known = (clip_option<Option> && clips == 1) ||
                                     ((std::is_same_v<Option, accumulate> || std::is_same_v<Option, record> ||
                                       std::is_same_v<Option, loss_scaling>) &&
                                      count_of<Option> == 1);
    static_assert(((sizeof(typename trainer_argument<Options>::template is_an_option<is_known<Options>>) > 0) && ...));

    template <class Default, class... Candidates>
    struct clip_of {
        using type = Default;
    };
    template <class Default, class First, class... Rest>
    struct clip_of<Default, First, Rest...> : std::conditional_t<clip_option<First>, std::type_identity<First>, clip_of<Default, Rest...>> {};

    using clip_type = typename clip_of<no_clip, Options...>::type;
    static constexpr bool accumulates = count_of<accumulate> > 0;
    static constexpr bool records = count_of<record> > 0;
    static constexpr bool has_loss_scaling = count_of<loss_scaling> > 0;

    constexpr explicit trainer_options(Options const&... options) { (set(options), ...); }

    clip_type clip{};
    int batches = 1;
    record recorded{};
    loss_scaling scaling{};

private:
    constexpr void set(accumulate const& option) { batches = option.batches; }
    constexpr void set(record const& option) { recorded = option; }
    constexpr void set(loss_scaling const& option) { scaling = option; }
    template <clip_option Option>
    constexpr void set(Option const& option) {
        clip = option;
    }
    template <class Unknown>
    constexpr void set(Unknown const&) {}
};

} // namespace detail

} // namespace lockstep
