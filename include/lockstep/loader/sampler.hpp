// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/seed.hpp>
#include <lockstep/loader/permutation.hpp>

#include <concepts>
#include <cstdint>

namespace lockstep {

/// Decides which sample comes when: `order(size, epoch)` is a function from the position in the epoch to the
/// sample's index, both from 0 to size - 1. It is a pure function of the sampler's own value, the size and
/// the epoch; several threads ask at once, once a batch, so it is to be cheap. Where there are any, further members
/// say more:
///
///     std::int64_t length(std::int64_t size) const    positions of an epoch, where they are not one a sample
///     static constexpr bool repeats = true            an epoch may have a sample several times
///     std::uint64_t seed_value() const                becomes part of a loader's position
///     void check(std::int64_t size) const             throws usage_error for a dataset that it does not fit
template <class T>
concept sampler = requires(T const& samples, std::int64_t size, std::uint64_t epoch, std::int64_t position) {
    { samples.order(size, epoch)(position) } -> std::same_as<std::int64_t>;
};

/// What becomes a sampler once it has seen the dataset: `stage.sampler_for(data)`.
template <class T, class Data>
concept sampler_of = requires(T const& stage, Data const& data) {
    { stage.sampler_for(data) } -> sampler;
};

namespace detail {

template <sampler Sampler>
std::int64_t epoch_length(Sampler const& order, std::int64_t size) {
    if constexpr (requires { order.length(size); }) return order.length(size);
    else return size;
}

template <sampler Sampler>
inline constexpr bool repeats_samples = [] {
    if constexpr (requires { Sampler::repeats; }) return bool(Sampler::repeats);
    else return false;
}();

template <sampler Sampler>
std::uint64_t seed_of(Sampler const& order) {
    if constexpr (requires { order.seed_value(); }) return order.seed_value();
    else return 0;
}

} // namespace detail

/// Every epoch in the dataset's own order.
struct sequential_order {
    struct identity {
        constexpr std::int64_t operator()(std::int64_t position) const { return position; }
    };

    constexpr identity order(std::int64_t, std::uint64_t) const { return {}; }
};

/// `data | shuffle(seed{1})`: every epoch in an order of its own, which depends on the seed and the epoch
/// alone.
class shuffle {
public:
    explicit constexpr shuffle(seed start) : seed_(start) {}

    permutation order(std::int64_t size, std::uint64_t epoch) const { return {size, seed_.value, epoch}; }
    std::uint64_t seed_value() const { return seed_.value; }

private:
    seed seed_;
};

} // namespace lockstep
