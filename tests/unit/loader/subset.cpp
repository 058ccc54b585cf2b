// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/cached.hpp>
#include <lockstep/loader/concat.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/skip_bad.hpp>
#include <lockstep/loader/subset.hpp>
#include <lockstep/loader/tensor_dataset.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>
#include <thread>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<subset_dataset<numbers>> && dataset<cached_dataset<numbers>>);
static_assert(dataset<concat_dataset<numbers, subset_dataset<numbers>>> && dataset<concat_list<numbers>>);

namespace {

/// The first element of every sample, in the dataset's order.
template <class Data>
std::vector<int> firsts(Data const& data) {
    std::vector<int> result;
    std::array<float, 3> input{};
    std::array<std::int32_t, 1> target{};
    for (std::int64_t i = 0; i < data.size(); ++i) {
        detail::read_sample(data, i, std::span<float>{input}, std::span<std::int32_t>{target});
        CHECK(input[1] == input[0] + 0.5F);
        CHECK(target[0] == static_cast<int>(input[0]) % 10);
        result.push_back(static_cast<int>(input[0]));
    }
    return result;
}

/// numbers that count how often each was read and fail with a data_error at some.
struct counted_reads : numbers {
    std::shared_ptr<std::vector<std::atomic<int>>> reads;
    std::shared_ptr<std::set<std::int64_t>> damaged = std::make_shared<std::set<std::int64_t>>();

    explicit counted_reads(std::int64_t samples)
        : numbers{samples}, reads(std::make_shared<std::vector<std::atomic<int>>>(static_cast<std::size_t>(samples))) {}

    std::int32_t read(std::int64_t index, std::span<float> input) const {
        ++(*reads)[static_cast<std::size_t>(index)];
        if (damaged->contains(index)) throw data_error{"damaged " + std::to_string(index)};
        std::this_thread::yield();
        return numbers::read(index, input);
    }
};

} // namespace

TEST_CASE("subset reads the samples that its indices name, in their order") {
    auto const some = numbers{20} | subset({13, 4, 4, 0});
    CHECK(firsts(some) == std::vector{13, 4, 4, 0});
    CHECK(std::ranges::equal(some.indices(), std::array{13, 4, 4, 0}));
    CHECK(firsts(some | subset({2, 0})) == std::vector{4, 13});
    CHECK((numbers{20} | subset({})).size() == 0);
    CHECK(message_of<usage_error>([] { numbers{20} | subset({3, 20}); }) ==
          "subset: expected indices of at least 0 and below 20, found 20");
    CHECK(contains(message_of<usage_error>([] { numbers{20} | subset({-1}); }), "found -1"));
}

TEST_CASE("take has the first samples, in a pipeline too") {
    CHECK(firsts(numbers{20} | take(3)) == std::vector{0, 1, 2});
    CHECK(firsts(numbers{3} | take(3)).size() == 3);
    auto loader = numbers{20} | take(6) | shuffle(seed{1}) | batch<4>;
    CHECK(run_epoch(loader).targets.size() == 6);
    CHECK(message_of<usage_error>([] { numbers{20} | take(21); }) ==
          "take(21): expected 0 to 20, the samples of the dataset");
    CHECK_THROWS_AS(numbers{20} | take(-1), usage_error);
}

TEST_CASE("filter asks its predicate once a sample") {
    int asked = 0;
    auto const some = counted_reads{20} | filter([&](auto input, auto targets) {
                          ++asked;
                          return targets[0] == 3 || input[0] > 17;
                      });
    CHECK(asked == 20);
    CHECK(firsts(some) == std::vector{3, 13, 18, 19});
    firsts(some);
    CHECK(asked == 20);
}

TEST_CASE("a subset passes on which samples come next") {
    struct announced : numbers {
        std::vector<std::int64_t>* told;
        announced(std::int64_t samples, std::vector<std::int64_t>* list) : numbers{samples}, told(list) {}
        void expect(std::int64_t index) const { told->push_back(index); }
    };
    std::vector<std::int64_t> told;
    auto loader = concat(announced{5, &told} | subset({4, 1, 3}), announced{2, &told} | cached) | batch<5>;
    run_epoch(loader);
    CHECK(told == std::vector<std::int64_t>{4, 1, 3, 0, 1});
    run_epoch(loader); // what is in memory is not expected again
    CHECK(told == std::vector<std::int64_t>{4, 1, 3, 0, 1, 4, 1, 3});
}

TEST_CASE("random_split puts every sample into one part") {
    auto const [train, validation, test] = random_split(numbers{101}, seed{4}, 0.7, 0.2, 0.1);
    CHECK(train.size() == 71); // 70.7, 90.9 and 101 rounded
    CHECK(validation.size() == 20);
    CHECK(test.size() == 10);
    auto all = firsts(train);
    for (auto const& part : {firsts(validation), firsts(test)}) all.insert(all.end(), part.begin(), part.end());
    CHECK(!std::ranges::is_sorted(all));
    std::ranges::sort(all);
    std::vector<int> expected(101);
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(all == expected);

    CHECK(firsts(random_split(numbers{101}, seed{4}, 0.7, 0.3)[0]) == firsts(train));
    CHECK(firsts(random_split(numbers{101}, seed{5}, 0.7, 0.3)[0]) != firsts(train));
    // Sums of fractions that are not exact in binary.
    auto const tenths = random_split(numbers{10}, seed{1}, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1);
    for (auto const& part : tenths) CHECK(part.size() == 1);
    CHECK(random_split(numbers{0}, seed{1}, 1)[0].size() == 0);
}

TEST_CASE("random_split refuses fractions that don't sum up to 1") {
    CHECK(message_of<usage_error>([] { random_split(numbers{10}, seed{1}, 0.5, 0.25); }) ==
          "random_split: expected fractions that sum up to 1, found 0.750000");
    CHECK(message_of<usage_error>([] { random_split(numbers{10}, seed{1}, 1.5, -0.5); }) ==
          "random_split: expected fractions of at least 0, found -0.500000");
}

TEST_CASE("concat has the samples of datasets of one or several types, one after another") {
    auto const mixed = concat(numbers{3}, numbers{20} | subset({7, 5}), numbers{0}, numbers{2});
    CHECK(mixed.size() == 7);
    CHECK(firsts(mixed) == std::vector{0, 1, 2, 7, 5, 0, 1});
    auto const list = concat(std::vector{numbers{0}, numbers{2}, numbers{0}, numbers{3}, numbers{0}});
    CHECK(firsts(list) == std::vector{0, 1, 0, 1, 2});
    CHECK(concat(std::vector<numbers>{}).size() == 0);
}

TEST_CASE("a cached dataset reads each sample once, however many threads ask") {
    counted_reads const source{200};
    auto const kept = source | cached;
    auto loader = kept | shuffle(seed{1}) | batch<8> | workers(4);
    auto plain = numbers{200} | shuffle(seed{1}) | batch<8>;
    for (int epoch = 0; epoch < 3; ++epoch) CHECK(run_epoch(loader) == run_epoch(plain));

    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&kept] {
            std::array<float, 3> input{};
            std::array<std::int32_t, 1> target{};
            for (std::int64_t i = 0; i < 200; ++i) kept.read(i, input, target);
        });
    threads.clear();
    CHECK(std::ranges::all_of(*source.reads, [](auto const& reads) { return reads == 1; }));
}

TEST_CASE("threads that want the same uncached sample wait for the one that reads it") {
    for (int round = 0; round < 100; ++round) {
        counted_reads const source{1};
        auto const kept = source | cached;
        std::atomic<int> right = 0;
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                std::array<float, 3> input{};
                std::array<std::int32_t, 1> target{};
                kept.read(0, input, target);
                right += input[1] == 0.5F;
            });
        threads.clear();
        CHECK(right == 4);
        CHECK((*source.reads)[0] == 1);
    }
}

TEST_CASE("a sample that could not be read is not cached") {
    counted_reads const source{3};
    source.damaged->insert(1);
    auto const kept = source | cached;
    std::array<float, 3> input{};
    std::array<std::int32_t, 1> target{};
    CHECK_THROWS_AS(kept.read(1, input, target), data_error);
    source.damaged->clear();
    kept.read(1, input, target);
    CHECK(input[0] == 1);
    CHECK((*source.reads)[1] == 2);
}

TEST_CASE("skip_bad leaves out what cannot be read and says what and why") {
    counted_reads const source{6};
    *source.damaged = {0, 4};
    auto const rest = source | skip_bad;
    CHECK(firsts(rest) == std::vector{1, 2, 3, 5});
    REQUIRE(rest.skipped().size() == 2);
    CHECK(rest.skipped()[1].index == 4);
    CHECK(rest.skipped()[1].reason == "damaged 4");

    counted_reads const decoded{6};
    auto const kept = decoded | cached | skip_bad;
    firsts(kept);
    CHECK((*decoded.reads)[5] == 1);

    // What is no fault of the data is no reason to go on without it.
    CHECK_THROWS_WITH_AS((numbers{6, 2} | skip_bad), "the disk is gone", std::runtime_error);
}
