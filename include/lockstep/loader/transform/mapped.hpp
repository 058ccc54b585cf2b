// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/draw.hpp>
#include <lockstep/loader/transform/elementwise.hpp>
#include <lockstep/loader/transform/transform.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace lockstep {

namespace detail {

template <class T>
concept is_drawn = any_shape<typename T::sample_shape> &&
                   requires(T const& data, std::int64_t index, std::span<sample_element<T>> input,
                            std::span<sample_target<T>> targets, draw which) {
                       { data.size() } -> std::same_as<std::int64_t>;
                       { data.read(index, input, targets, which) } -> std::same_as<void>;
                   };

/// A dataset whose samples lie in memory may lend them to a transform, instead of copying them first:
/// `std::span<element const> lend(index, std::span<target> targets) const` writes the targets only.
template <class T>
concept lends_samples = requires(T const& data, std::int64_t index, std::span<sample_target<T>> targets) {
    { data.lend(index, targets) } -> std::same_as<std::span<sample_element<T> const>>;
};

} // namespace detail

/// A dataset, or one whose samples are other ones at every draw: what `data | map(seed{1}, random_crop<4>{})` is.
template <class T>
concept any_dataset = dataset<T> || detail::is_drawn<T>;

namespace detail {

template <any_dataset Data>
void draw_sample(Data const& data, std::int64_t index, std::span<sample_element<Data>> input,
                 std::span<sample_target<Data>> targets, draw which) {
    if constexpr (is_drawn<Data>) data.read(index, input, targets, which);
    else read_sample(data, index, input, targets);
}

template <any_dataset Data>
using input_view = sample_view<sample_element<Data>, typename Data::sample_shape>;
template <any_dataset Data>
using target_view = sample_view<sample_target<Data>, sample_target_shape<Data>>;

/// Number of transforms that a sample has behind it: each has random numbers of its own.
template <class Data>
inline constexpr int transforms_before = 0;
template <class Data>
    requires requires { Data::stage; }
inline constexpr int transforms_before<Data> = Data::stage + 1;

/// What all transforms of samples and of targets have in common.
template <any_dataset Source, class F, class Transformation>
class transformed {
public:
    /// Its place among the transforms of a sample.
    static constexpr int stage = transforms_before<Source>;
    static constexpr bool is_random = Transformation::is_random || (is_drawn<Source> && !dataset<Source>);

    transformed(Source source, F function, std::optional<seed> start)
        : source_(std::move(source)), function_(std::move(function)), seed_(start) {}

    std::int64_t size() const { return source_.size(); }
    void expect(std::int64_t index) const
        requires requires(Source const& data) { data.expect(index); }
    {
        source_.expect(index);
    }

    Source const& source() const { return source_; }
    F const& function() const { return function_; }

protected:
    /// Calls it with random numbers, if it takes them.
    template <class... Views>
    void call(draw which, Views... views) const {
        if constexpr (Transformation::is_random) {
            sample_random random{*seed_, which, stage};
            function_(views..., random);
        } else {
            function_(views...);
        }
    }

    /// Memory for a sample on its way, once a thread and kind of transform.
    template <class View>
    static View scratch() {
        thread_local host_memory const memory(static_cast<std::size_t>(View::sample_shape::size) *
                                              sizeof(typename View::element));
        return View{memory.as<typename View::element>().data()};
    }

private:
    Source source_;
    F function_;
    std::optional<seed> seed_;
};

} // namespace detail

/// Samples with a transform of their inputs: what `data | map(f)` is. Where nothing in it is random, it is a dataset.
template <any_dataset Source, class F>
    requires transform<F, detail::input_view<Source>>
class mapped : public detail::transformed<Source, F, detail::transformation<F, detail::input_view<Source>>> {
    using from_view = detail::input_view<Source>;
    using how = detail::transformation<F, from_view>;
    using to_view = typename how::output;
    using base = detail::transformed<Source, F, how>;

public:
    using sample_shape = typename to_view::sample_shape;
    using element = typename to_view::element;
    using target_shape = sample_target_shape<Source>;
    using target = sample_target<Source>;
    using base::base;

    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const
        requires(!base::is_random)
    {
        read(index, input, targets, {});
    }
    void read(std::int64_t index, std::span<element> input, std::span<target> targets, draw which) const {
        to_view const to{input.data()};
        if constexpr (how::kind == transform_kind::in_place) {
            detail::draw_sample(this->source(), index, input, targets, which);
            this->call(which, to);
        } else if constexpr (how::kind == transform_kind::copying) {
            this->call(which, before(index, targets, which), to);
        } else if constexpr (std::is_same_v<from_view, to_view> && !detail::lends_samples<Source>) {
            detail::draw_sample(this->source(), index, input, targets, which);
            detail::apply_elementwise(this->function(), to);
        } else {
            detail::apply_elementwise(this->function(), before(index, targets, which), to);
        }
    }

    target target_of(std::int64_t index) const
        requires requires(Source const& data) { data.target_of(index); }
    {
        return this->source().target_of(index);
    }

private:
    /// The sample as the source has it, in memory of its own.
    detail::read_only<from_view> before(std::int64_t index, std::span<target> targets, draw which) const {
        if constexpr (detail::lends_samples<Source>) {
            return detail::read_only<from_view>{this->source().lend(index, targets).data()};
        } else {
            auto const sample = base::template scratch<from_view>();
            detail::draw_sample(this->source(), index, std::span<typename from_view::element>{sample}, targets, which);
            return sample;
        }
    }
};

/// The same of their targets: `data | map_targets(one_hot<10>{})`.
template <any_dataset Source, class F>
    requires transform<F, detail::target_view<Source>>
class mapped_targets
    : public detail::transformed<Source, F, detail::transformation<F, detail::target_view<Source>>> {
    using from_view = detail::target_view<Source>;
    using how = detail::transformation<F, from_view>;
    using to_view = typename how::output;
    using base = detail::transformed<Source, F, how>;

public:
    using sample_shape = typename Source::sample_shape;
    using element = sample_element<Source>;
    using target_shape = typename to_view::sample_shape;
    using target = typename to_view::element;
    using base::base;

    void read(std::int64_t index, std::span<element> input, std::span<target> targets) const
        requires(!base::is_random)
    {
        read(index, input, targets, {});
    }
    void read(std::int64_t index, std::span<element> input, std::span<target> targets, draw which) const {
        auto const from = base::template scratch<from_view>();
        detail::draw_sample(this->source(), index, input, std::span<typename from_view::element>{from}, which);
        finish(from, to_view{targets.data()}, which);
    }
    /// What the source lends is still as it is.
    std::span<element const> lend(std::int64_t index, std::span<target> targets) const
        requires(detail::lends_samples<Source> && !base::is_random)
    {
        auto const from = base::template scratch<from_view>();
        auto const input = this->source().lend(index, from);
        finish(from, to_view{targets.data()}, {});
        return input;
    }

private:
    void finish(from_view from, to_view to, draw which) const {
        if constexpr (how::kind == transform_kind::copying) {
            this->call(which, detail::read_only<from_view>{from}, to);
        } else if constexpr (how::kind == transform_kind::elementwise) {
            detail::apply_elementwise(this->function(), detail::read_only<from_view>{from}, to);
        } else {
            std::ranges::copy(from, to.begin());
            this->call(which, to);
        }
    }
};

namespace detail {

template <class T>
inline constexpr bool is_mapped = false;
template <any_dataset Source, class F>
inline constexpr bool is_mapped<mapped<Source, F>> = true;

/// One more transform. Two elementwise ones in a row become one.
template <any_dataset Source, class F>
auto add_transform(Source source, F function, std::optional<seed> start) {
    if constexpr (requires { function.check(); }) function.check();
    return mapped<Source, F>{std::move(source), std::move(function), start};
}
template <any_dataset Source, class First, class Second>
    requires(is_elementwise<First, sample_element<Source>> &&
             is_elementwise<Second, sample_element<mapped<Source, First>>>)
auto add_transform(mapped<Source, First> source, Second function, std::optional<seed>) {
    if constexpr (requires { function.check(); }) function.check();
    using both = fused_elementwise<First, Second>;
    return mapped<Source, both>{source.source(), both{source.function(), std::move(function)}, std::nullopt};
}
template <any_dataset Source, class F>
auto add_target_transform(Source source, F function, std::optional<seed> start) {
    if constexpr (requires { function.check(); }) function.check();
    return mapped_targets<Source, F>{std::move(source), std::move(function), start};
}

} // namespace detail
} // namespace lockstep
