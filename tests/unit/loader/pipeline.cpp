// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

#include <doctest/doctest.h>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

template <class Left, class Right>
concept pipes = requires(Left&& left, Right const& right) {
    static_cast<Left&&>(left) | right;
};

using pairs = tensor_dataset<shape<2>>;
using batches_of_pairs = decltype(std::declval<pairs>() | batch<4>);
using shuffled_pairs = decltype(std::declval<pairs>() | shuffle(seed{1}));

static_assert(sampler<shuffle> && sampler<sequential_order>);
static_assert(sample_source<pairs> && sample_source<shuffled_pairs> && !sample_source<batches_of_pairs>);
static_assert(batch_source<batches_of_pairs> && !batch_source<pairs> && !batch_source<shuffled_pairs>);
static_assert(batches_of_pairs::batch_size == 4);
static_assert(std::same_as<batches_of_pairs::sample_shape, shape<2>>);

static_assert(pipes<pairs, shuffle> && pipes<pairs const&, shuffle>);
static_assert(pipes<shuffled_pairs, batch_stage<4>>);
static_assert(pipes<batches_of_pairs, workers> && pipes<batches_of_pairs, prefetch>);
static_assert(pipes<batches_of_pairs, pin_memory_stage>);

// In the wrong place.
static_assert(!pipes<pairs, workers> && !pipes<shuffled_pairs, prefetch> && !pipes<pairs, pin_memory_stage>);
static_assert(!pipes<batches_of_pairs, shuffle> && !pipes<batches_of_pairs, batch_stage<4>>);
static_assert(!pipes<shuffled_pairs, shuffle>);
static_assert(!pipes<int, shuffle> && !pipes<int, batch_stage<4>> && !pipes<int, workers>);
static_assert(!pipes<batches_of_pairs&, workers>);

/// A sampler of a user's own: every epoch backwards.
struct backwards {
    auto order(std::int64_t size, std::uint64_t) const {
        return [size](std::int64_t position) { return size - 1 - position; };
    }
};

} // namespace

TEST_CASE("a pipeline is a loader with the stages' options") {
    auto train = numbers{100} | shuffle(seed{1}) | batch<8> | workers(2) | prefetch(3) | pin_memory;
    CHECK(train.options().workers == 2);
    CHECK(train.options().prefetch == 3);
    CHECK(train.options().pin);
    CHECK(train.samples() == 100);
    CHECK(train.batches() == 13);
    CHECK(run_epoch(train).targets.size() == 100);
}

TEST_CASE("stages behind batch<> come in any order, and a later one wins") {
    auto train = numbers{100} | batch<8> | pin_memory | prefetch(3) | workers(2) | workers(1);
    CHECK(train.options().workers == 1);
    CHECK(train.options().prefetch == 3);
}

TEST_CASE("a stage takes over a loader that has already run") {
    auto alone = numbers{30} | batch<4> | workers(1);
    auto const first = run_epoch(alone);
    auto helped = std::move(alone) | workers(3);
    CHECK(helped.next_epoch() == 1);
    CHECK(run_epoch(helped) == first);
}

TEST_CASE("a dataset that is kept can be piped twice") {
    tensor<float, shape<2>> inputs(6);
    pairs const data{std::move(inputs), {0, 1, 2, 3, 4, 5}};
    auto train = data | shuffle(seed{1}) | batch<3>;
    auto test = data | batch<2>;
    CHECK(run_epoch(test).targets == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
    CHECK(run_epoch(train).targets.size() == 6);
}

TEST_CASE("a sampler of one's own is a stage") {
    auto reversed = operator|(numbers{5}, backwards{}) | batch<2>;
    CHECK(run_epoch(reversed).targets == std::vector<std::int32_t>{4, 3, 2, 1, 0});
}

TEST_CASE("impossible options are usage errors with their numbers") {
    CHECK(message_of<usage_error>([] { numbers{100} | batch<8> | workers(-1); }) ==
          "workers(-1): expected 0 threads or more");
    CHECK(message_of<usage_error>([] { numbers{100} | batch<8> | prefetch(0); }) ==
          "prefetch(0): expected 1 batch or more");
    CHECK(message_of<usage_error>([] { numbers{7} | batch<8>; }) ==
          "batch<8>: expected a dataset of at least 8 samples, found 7");
    CHECK(message_of<usage_error>([] { numbers{0} | shuffle(seed{1}) | batch<1>; }) ==
          "batch<1>: expected a dataset of at least 1 samples, found 0");
    auto loader = numbers{8} | batch<8>;
    CHECK(message_of<usage_error>([&] { loader.set_epoch(-3); }) ==
          "set_epoch: expected an epoch of at least 0, found -3");
}
