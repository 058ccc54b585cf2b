// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/seed.hpp>
#include <lockstep/loader/batch_machine.hpp>
#include <lockstep/loader/collate.hpp>
#include <lockstep/loader/distributed.hpp>
#include <lockstep/loader/last_batch.hpp>

#include <concepts>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lockstep {

// What stands between the bars of a pipeline, besides datasets and samplers. Every stage is a small type.

template <int Size, last_batch Last = keep_last>
struct batch_stage {
    static_assert(Size > 0, "a batch has at least one sample");
};
/// `data | batch<64>`: from here on batches of so many samples; the last one of an epoch may be short.
/// batch<64, drop_last> leaves it out, batch<64, pad_last> fills it up.
template <int Size, last_batch Last = keep_last>
inline constexpr batch_stage<Size, Last> batch{};

/// Which part of a sample a transform is for.
enum class sample_part { input, target };

template <sample_part Part, bool Seeded, class... F>
struct map_stage {
    std::tuple<F...> functions;
    std::optional<seed> start;
};

namespace detail {
template <class... F>
inline constexpr bool starts_with_a_seed = false;
template <class First, class... F>
inline constexpr bool starts_with_a_seed<First, F...> = std::same_as<First, seed>;
} // namespace detail

/// `data | map(f, g)`: each sample's input passes through these transforms, one after the other; see transform.
template <class... F>
    requires(sizeof...(F) > 0 && !detail::starts_with_a_seed<F...>)
map_stage<sample_part::input, false, F...> map(F... functions) {
    return {std::tuple<F...>{std::move(functions)...}, std::nullopt};
}
/// `data | map(seed{1}, f, g)`: random transforms draw their numbers from this seed, the epoch and the sample's index.
template <class... F>
    requires(sizeof...(F) > 0)
map_stage<sample_part::input, true, F...> map(seed start, F... functions) {
    return {std::tuple<F...>{std::move(functions)...}, start};
}
/// `data | map_targets(one_hot<10>{})`: the same for each sample's targets.
template <class... F>
    requires(sizeof...(F) > 0 && !detail::starts_with_a_seed<F...>)
map_stage<sample_part::target, false, F...> map_targets(F... functions) {
    return {std::tuple<F...>{std::move(functions)...}, std::nullopt};
}
template <class... F>
    requires(sizeof...(F) > 0)
map_stage<sample_part::target, true, F...> map_targets(seed start, F... functions) {
    return {std::tuple<F...>{std::move(functions)...}, start};
}

template <class F>
struct collate_stage {
    F function;
    seed start;
};
/// `data | batch<64> | collate(seed{1}, mixup{.alpha = 0.2})`: each batch passes through it where it lies, once its
/// samples are there; see collation.
template <class F>
collate_stage<F> collate(seed start, F function) {
    return {std::move(function), start};
}
/// `data | batch<64> | collate(f)`, of one that draws no random numbers.
template <class F>
    requires(!std::same_as<F, seed>)
collate_stage<F> collate(F function) {
    return {std::move(function), {}};
}

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

namespace detail {

template <class T>
inline constexpr bool is_batch_stage = false;
template <int Size, last_batch Last>
inline constexpr bool is_batch_stage<batch_stage<Size, Last>> = true;

template <class T>
inline constexpr bool is_map_stage = false;
template <sample_part Part, bool Seeded, class... F>
inline constexpr bool is_map_stage<map_stage<Part, Seeded, F...>> = true;

template <class T>
inline constexpr bool is_collate_stage = false;
template <class F>
inline constexpr bool is_collate_stage<collate_stage<F>> = true;

constexpr void set(loader_options& options, workers stage) { options.workers = stage.count; }
constexpr void set(loader_options& options, prefetch stage) { options.prefetch = stage.batches; }
constexpr void set(loader_options& options, pin_memory_stage) { options.pin = true; }

} // namespace detail

/// A stage that says how a loader works, or which part of it.
template <class T>
concept loader_stage = std::same_as<T, workers> || std::same_as<T, prefetch> || std::same_as<T, pin_memory_stage> ||
                       std::same_as<T, distributed>;

} // namespace lockstep
