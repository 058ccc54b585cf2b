// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/expression/seed.hpp>
#include <lockstep/loader/permutation.hpp>

#include <concepts>
#include <cstdint>

namespace lockstep {

/// Decides which sample comes when: `order(size, epoch)` is a function from the position in the epoch to the
/// sample's index, both from 0 to size - 1. It is a pure function of the sampler's own value, the size and
/// the epoch; several threads ask at once, once a batch, so it is to be cheap.
template <class T>
concept sampler = requires(T const& samples, std::int64_t size, std::uint64_t epoch, std::int64_t position) {
    { samples.order(size, epoch)(position) } -> std::same_as<std::int64_t>;
};

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

private:
    seed seed_;
};

} // namespace lockstep
