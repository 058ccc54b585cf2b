// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/by_class.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/epoch_of.hpp>
#include <lockstep/loader/loader.hpp>
#include <lockstep/loader/sampler.hpp>
#include <lockstep/loader/stages.hpp>
#include <lockstep/loader/transform/mapped.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lockstep {

// A loader is written as a pipeline: a dataset, perhaps a sampler and transforms in any order, the batch, and how to
// work.
//
//     auto train = fashion_mnist(split::train) | shuffle(seed{1}) | batch<64> | workers(2) | prefetch(4);
//
// A stage in the wrong place is one compile error, a deleted function whose result is named after the rule and shows
// both sides.

/// A dataset and the order to read it in: what `data | shuffle(seed{1})` is.
template <any_dataset Data, sampler Sampler>
struct sampled {
    using sample_shape = typename Data::sample_shape;

    Data data;
    Sampler order;
};

namespace detail {

template <class T>
inline constexpr bool is_sampled = false;
template <any_dataset Data, sampler Sampler>
inline constexpr bool is_sampled<sampled<Data, Sampler>> = true;

} // namespace detail

/// What can be cut into batches: samples in some order.
template <class T>
concept sample_source = any_dataset<T> || detail::is_sampled<T>;

/// What a trainer takes: epochs of batches of one shape.
template <class T>
concept batch_source = requires(T& source) {
    requires any_shape<typename T::sample_shape>;
    { T::batch_size } -> std::convertible_to<int>;
    { source.batches() } -> std::same_as<std::int64_t>;
    { source.samples() } -> std::same_as<std::int64_t>;
    { *source.begin() } -> std::convertible_to<typename T::batch_type>;
    { source.begin() == source.end() } -> std::convertible_to<bool>;
};

// What the compiler prints for a transform that a pipeline cannot take: with what it would be fed, or what it lacks.

template <class Transform, class Sample>
struct transform_does_not_fit {};
/// It draws random numbers: map(seed{1}, ...).
template <class Transform>
struct random_transform_needs_a_seed {};

namespace detail {

template <sample_part Part, any_dataset Data>
struct view_of_part {
    using type = input_view<Data>;
};
template <any_dataset Data>
struct view_of_part<sample_part::target, Data> {
    using type = target_view<Data>;
};

template <any_dataset Data>
using batch_inputs = tensor_view<sample_element<Data>, typename Data::sample_shape>;
template <any_dataset Data>
using batch_targets = tensor_view<sample_target<Data>, sample_target_shape<Data>>;

/// Which of several transforms, one after the other, breaks which rule; void where none does.
template <sample_part Part, bool Seeded, class Data, class... F>
struct broken_by_transforms {
    using type = void;
};

/// The data behind one transform.
template <sample_part Part, class Data, class F>
auto with_transform(Data data, F function, std::optional<seed> start) {
    if constexpr (Part == sample_part::input) return add_transform(std::move(data), std::move(function), start);
    else return add_target_transform(std::move(data), std::move(function), start);
}

template <sample_part Part, bool Seeded, class Data, class First, class... F>
struct broken_by_transforms<Part, Seeded, Data, First, F...> {
    using view = typename view_of_part<Part, Data>::type;
    static auto find() {
        if constexpr (!transform<First, view>)
            return std::type_identity<transform_does_not_fit<First, view>>{};
        else if constexpr (transformation<First, view>::is_random && !Seeded)
            return std::type_identity<random_transform_needs_a_seed<First>>{};
        else
            return std::type_identity<typename broken_by_transforms<
                Part, Seeded, decltype(with_transform<Part>(std::declval<Data>(), std::declval<First>(), std::nullopt)),
                F...>::type>{};
    }
    using type = typename decltype(find())::type;
};

template <std::size_t Next = 0, sample_part Part, bool Seeded, class Data, class... F>
auto with_transforms(Data data, map_stage<Part, Seeded, F...> stage) {
    if constexpr (Next == sizeof...(F)) {
        return data;
    } else {
        auto next = with_transform<Part>(std::move(data), std::move(std::get<Next>(stage.functions)), stage.start);
        return with_transforms<Next + 1>(std::move(next), std::move(stage));
    }
}

template <class Data, class Stage>
struct broken_by_stage;
template <any_dataset Data, sample_part Part, bool Seeded, class... F>
struct broken_by_stage<Data, map_stage<Part, Seeded, F...>> : broken_by_transforms<Part, Seeded, Data, F...> {};
template <any_dataset Data, sampler Sampler, sample_part Part, bool Seeded, class... F>
struct broken_by_stage<sampled<Data, Sampler>, map_stage<Part, Seeded, F...>>
    : broken_by_transforms<Part, Seeded, Data, F...> {};

} // namespace detail

template <any_dataset Data, sampler Sampler>
sampled<Data, Sampler> operator|(Data data, Sampler order) {
    return {std::move(data), std::move(order)};
}

template <any_dataset Data, sampler_of<Data> Stage>
auto operator|(Data data, Stage stage) {
    auto order = stage.sampler_for(data);
    return sampled<Data, decltype(order)>{std::move(data), std::move(order)};
}

template <any_dataset Data>
sampled<Data, cut_order<sequential_order>> operator|(Data data, epoch_of stage) {
    return {std::move(data), {sequential_order{}, stage.samples}};
}

template <any_dataset Data, sampler Sampler>
sampled<Data, cut_order<Sampler>> operator|(sampled<Data, Sampler> source, epoch_of stage) {
    return {std::move(source.data), {std::move(source.order), stage.samples}};
}

template <any_dataset Data, sample_part Part, bool Seeded, class... F>
    requires std::is_void_v<typename detail::broken_by_transforms<Part, Seeded, Data, F...>::type>
auto operator|(Data data, map_stage<Part, Seeded, F...> stage) {
    return detail::with_transforms(std::move(data), std::move(stage));
}

template <any_dataset Data, sampler Sampler, sample_part Part, bool Seeded, class... F>
    requires std::is_void_v<typename detail::broken_by_transforms<Part, Seeded, Data, F...>::type>
auto operator|(sampled<Data, Sampler> source, map_stage<Part, Seeded, F...> stage) {
    auto data = detail::with_transforms(std::move(source.data), std::move(stage));
    return sampled<decltype(data), Sampler>{std::move(data), std::move(source.order)};
}

template <any_dataset Data, int Size, last_batch Last>
loader<Data, sequential_order, Size, Last> operator|(Data data, batch_stage<Size, Last>) {
    return {std::move(data), sequential_order{}};
}

template <any_dataset Data, sampler Sampler, int Size, last_batch Last>
loader<Data, Sampler, Size, Last> operator|(sampled<Data, Sampler> source, batch_stage<Size, Last>) {
    return {std::move(source.data), std::move(source.order)};
}

template <any_dataset Data, sampler Sampler, int Size, last_batch Last, class F>
    requires collation<F, detail::batch_inputs<Data>, detail::batch_targets<Data>>
loader<Data, Sampler, Size, Last, F> operator|(loader<Data, Sampler, Size, Last>&& source, collate_stage<F> stage) {
    auto const options = source.options();
    auto const epoch = source.next_epoch();
    auto const part = source.part();
    auto recipe = std::move(source).release();
    loader<Data, Sampler, Size, Last, F> collated{
        {std::move(recipe.data), std::move(recipe.sampler), std::move(stage.function), stage.start}, options};
    collated.set_epoch(epoch);
    collated.set_part(part);
    return collated;
}

template <any_dataset Data, sampler Sampler, int Size, last_batch Last, class Collation, loader_stage Stage>
loader<Data, Sampler, Size, Last, Collation> operator|(loader<Data, Sampler, Size, Last, Collation>&& source,
                                                       Stage stage) {
    if constexpr (std::same_as<Stage, distributed>) {
        source.set_part(stage);
    } else {
        auto options = source.options();
        detail::set(options, stage);
        source.set_options(options);
    }
    return std::move(source);
}

// The rules, one deleted function each. The rule is a template parameter, as not every compiler prints the
// result's type.

/// Samplers, transforms and batch<> take a dataset, samplers and batch<> once: nothing is shuffled, transformed or
/// batched after batch<>.
template <class Stage, class Source>
struct stage_takes_a_dataset_before_batch {};
template <class Source, class Stage, class Rule = stage_takes_a_dataset_before_batch<Stage, Source>>
    requires(((sampler<Stage> || detail::is_by_class<Stage>) && !any_dataset<Source>) ||
             ((detail::is_batch_stage<Stage> || detail::is_map_stage<Stage> || std::same_as<Stage, epoch_of>) &&
              !sample_source<Source>))
Rule operator|(Source const&, Stage const&) = delete;

/// stratified and balanced take samples with one class each.
template <class Stage, class Source>
struct stage_takes_samples_of_classes {};
template <any_dataset Source, class Stage, class Rule = stage_takes_samples_of_classes<Stage, Source>>
    requires(detail::is_by_class<Stage> && !has_classes<Source>)
Rule operator|(Source const&, Stage const&) = delete;

/// collate, workers, prefetch, pin_memory and distributed come after batch<>.
template <class Source, class Stage>
struct batch_is_missing_between {};
template <sample_source Source, class Stage, class Rule = batch_is_missing_between<Source, Stage>>
    requires(loader_stage<Stage> || detail::is_collate_stage<Stage>)
Rule operator|(Source const&, Stage const&) = delete;

/// collate, workers, prefetch, pin_memory and distributed take a loader: `data | batch<64>`.
template <class Stage, class Source>
struct stage_takes_a_loader {};
template <class Source, class Stage, class Rule = stage_takes_a_loader<Stage, Source>>
    requires((loader_stage<Stage> || detail::is_collate_stage<Stage>) && !sample_source<Source> && !is_loader<Source>)
Rule operator|(Source const&, Stage const&) = delete;

/// A loader has threads and memory of its own: a stage takes it over, with std::move(loader) | workers(2).
template <class Loader, class Stage>
struct loader_is_not_copied_but_moved_into {};
template <class Loader, class Stage, class Rule = loader_is_not_copied_but_moved_into<Loader, Stage>>
    requires(is_loader<Loader> && (loader_stage<Stage> || detail::is_collate_stage<Stage>))
Rule operator|(Loader const&, Stage const&) = delete;

/// A transform takes the samples as those before it leave them.
template <sample_source Source, class Stage, class Rule = typename detail::broken_by_stage<Source, Stage>::type>
    requires(detail::is_map_stage<Stage> && !std::is_void_v<Rule>)
Rule operator|(Source const&, Stage const&) = delete;

/// A collate stage takes a batch's inputs and targets as they are.
template <class Collation, class Inputs, class Targets>
struct collation_does_not_fit {};
template <any_dataset Data, sampler Sampler, int Size, last_batch Last, class F,
          class Rule = collation_does_not_fit<F, detail::batch_inputs<Data>, detail::batch_targets<Data>>>
    requires(!collation<F, detail::batch_inputs<Data>, detail::batch_targets<Data>>)
Rule operator|(loader<Data, Sampler, Size, Last>&&, collate_stage<F>) = delete;

/// A loop takes batches: `for (auto const& batch : data | batch<64>)`.
template <class Source>
struct batch_is_missing_after {};
template <sample_source Source, class Rule = batch_is_missing_after<Source>>
batch_view<float, typename Source::sample_shape> const* begin(Source const&) = delete;
/// Only declared: begin alone is the error.
template <sample_source Source>
batch_view<float, typename Source::sample_shape> const* end(Source const&);

} // namespace lockstep
