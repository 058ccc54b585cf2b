// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/loader.hpp>
#include <lockstep/loader/sampler.hpp>

#include <concepts>
#include <cstdint>
#include <utility>

namespace lockstep {

// A loader is written as a pipeline: a dataset, perhaps a sampler, the batch, and how to work.
//
//     auto train = fashion_mnist(split::train) | shuffle(seed{1}) | batch<64> | workers(2) | prefetch(4);
//
// Every stage is a small type. A stage in the wrong place is one compile error, a deleted function whose
// result is named after the rule and shows both sides.

template <int Size>
struct batch_stage {
    static_assert(Size > 0, "a batch has at least one sample");
};
/// `data | batch<64>`: from here on batches of so many samples; the last one of an epoch may be short.
template <int Size>
inline constexpr batch_stage<Size> batch{};

/// `loader | workers(2)`: so many threads fill batches. Without it, the thread that asks for a batch does.
struct workers {
    explicit constexpr workers(int threads) : count(threads) {}
    int count;
};

/// `loader | prefetch(4)`: the workers may be so many batches ahead. Without it, 2.
struct prefetch {
    explicit constexpr prefetch(int ahead) : batches(ahead) {}
    int batches;
};

struct pin_memory_stage {};
/// `loader | pin_memory`: the pages of the batches are locked in memory where the system allows it.
inline constexpr pin_memory_stage pin_memory{};

/// A dataset and the order to read it in: what `data | shuffle(seed{1})` is.
template <dataset Data, sampler Sampler>
struct sampled {
    using sample_shape = typename Data::sample_shape;

    Data data;
    Sampler order;
};

namespace detail {

template <class T>
inline constexpr bool is_sampled = false;
template <dataset Data, sampler Sampler>
inline constexpr bool is_sampled<sampled<Data, Sampler>> = true;

template <class T>
inline constexpr bool is_batch_stage = false;
template <int Size>
inline constexpr bool is_batch_stage<batch_stage<Size>> = true;

constexpr void set(loader_options& options, workers stage) { options.workers = stage.count; }
constexpr void set(loader_options& options, prefetch stage) { options.prefetch = stage.batches; }
constexpr void set(loader_options& options, pin_memory_stage) { options.pin = true; }

} // namespace detail

/// What can be cut into batches: samples in some order.
template <class T>
concept sample_source = dataset<T> || detail::is_sampled<T>;

/// A stage that says how a loader works, or which part of it.
template <class T>
concept loader_stage =
    std::same_as<T, workers> || std::same_as<T, prefetch> || std::same_as<T, pin_memory_stage> ||
    std::same_as<T, distributed>;

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

template <dataset Data, sampler Sampler>
sampled<Data, Sampler> operator|(Data data, Sampler order) {
    return {std::move(data), std::move(order)};
}

template <dataset Data, int Size>
loader<Data, sequential_order, Size> operator|(Data data, batch_stage<Size>) {
    return {std::move(data), sequential_order{}};
}

template <dataset Data, sampler Sampler, int Size>
loader<Data, Sampler, Size> operator|(sampled<Data, Sampler> source, batch_stage<Size>) {
    return {std::move(source.data), std::move(source.order)};
}

template <dataset Data, sampler Sampler, int Size, loader_stage Stage>
loader<Data, Sampler, Size> operator|(loader<Data, Sampler, Size>&& source, Stage stage) {
    auto options = source.options();
    detail::set(options, stage);
    source.set_options(options);
    return std::move(source);
}

template <dataset Data, sampler Sampler, int Size>
loader<Data, Sampler, Size> operator|(loader<Data, Sampler, Size>&& source, distributed stage) {
    source.set_part(stage);
    return std::move(source);
}

// The rules, one deleted function each. The rule is a template parameter, as not every compiler prints the
// result's type.

/// A sampler or batch<> takes a dataset, and stands once: nothing is shuffled or batched after batch<>.
template <class Stage, class Source>
struct stage_takes_a_dataset_before_batch {};
template <class Source, class Stage, class Rule = stage_takes_a_dataset_before_batch<Stage, Source>>
    requires((sampler<Stage> && !dataset<Source>) || (detail::is_batch_stage<Stage> && !sample_source<Source>))
Rule operator|(Source const&, Stage const&) = delete;

/// workers, prefetch, pin_memory and distributed come after batch<>.
template <class Source, class Stage>
struct batch_is_missing_between {};
template <sample_source Source, loader_stage Stage, class Rule = batch_is_missing_between<Source, Stage>>
Rule operator|(Source const&, Stage const&) = delete;

/// workers, prefetch, pin_memory and distributed take a loader: `data | batch<64>`.
template <class Stage, class Source>
struct stage_takes_a_loader {};
template <class Source, loader_stage Stage, class Rule = stage_takes_a_loader<Stage, Source>>
    requires(!sample_source<Source> && !is_loader<Source>)
Rule operator|(Source const&, Stage const&) = delete;

/// A loader has threads and memory of its own: a stage takes it over, with std::move(loader) | workers(2).
template <class Loader, class Stage>
struct loader_is_not_copied_but_moved_into {};
template <class Loader, loader_stage Stage, class Rule = loader_is_not_copied_but_moved_into<Loader, Stage>>
    requires is_loader<Loader>
Rule operator|(Loader const&, Stage const&) = delete;

/// A loop takes batches: `for (auto const& batch : data | batch<64>)`.
template <class Source>
struct batch_is_missing_after {};
template <sample_source Source, class Rule = batch_is_missing_after<Source>>
batch_view<float, typename Source::sample_shape> const* begin(Source const&) = delete;
/// Only declared: begin alone is the error.
template <sample_source Source>
batch_view<float, typename Source::sample_shape> const* end(Source const&);

} // namespace lockstep
