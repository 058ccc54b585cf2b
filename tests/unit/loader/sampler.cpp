// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "numbers.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/weighted.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

/// Classes of very different sizes, some of them empty; a sample's input is its index.
struct classified {
    using sample_shape = shape<1>;
    std::vector<std::int32_t> classes;

    std::int64_t size() const { return static_cast<std::int64_t>(classes.size()); }
    std::int32_t read(std::int64_t index, std::span<float> input) const {
        input[0] = static_cast<float>(index);
        return classes[static_cast<std::size_t>(index)];
    }
};

classified make_classified() {
    classified data;
    for (int i = 0; i < 700; ++i) data.classes.push_back(0);
    for (int i = 0; i < 200; ++i) data.classes.push_back(4);
    for (int i = 0; i < 97; ++i) data.classes.push_back(1);
    for (int i = 0; i < 3; ++i) data.classes.push_back(7);
    std::ranges::rotate(data.classes, data.classes.begin() + 450);
    return data;
}

/// An epoch's order, from the sampler itself.
std::vector<std::int64_t> order_of(sampler auto const& samples, std::int64_t size, std::uint64_t epoch) {
    std::vector<std::int64_t> all;
    auto order = samples.order(size, epoch);
    for (std::int64_t p = 0; p < detail::epoch_length(samples, size); ++p) all.push_back(order(p));
    return all;
}

/// Positions asked for one by one and backwards give the same order.
void check_addressable(sampler auto const& samples, std::int64_t size, std::uint64_t epoch) {
    auto const all = order_of(samples, size, epoch);
    for (auto p = static_cast<std::int64_t>(all.size()) - 1; p >= 0; p -= 7)
        REQUIRE(samples.order(size, epoch)(p) == all[static_cast<std::size_t>(p)]);
}

static_assert(sampler<weighted> && sampler<stratified_order> && sampler<balanced_order> &&
              sampler<cut_order<shuffle>>);
static_assert(sampler_of<stratified, classified> && sampler_of<balanced, numbers>);

} // namespace

TEST_CASE("weighted draws samples as often as their weights say") {
    std::vector<double> const weights{1, 0, 2, 5, 0.5, 1.5};
    weighted const samples{weights, seed{1}};
    constexpr int epochs = 2000;
    std::vector<double> counts(weights.size());
    for (std::uint64_t epoch = 0; epoch < epochs; ++epoch)
        for (auto const sample : order_of(samples, 6, epoch)) ++counts[static_cast<std::size_t>(sample)];
    CHECK(counts[1] == 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        double const expected = weights[i] / 10 * 6 * epochs;
        CHECK(std::abs(counts[i] - expected) <= 5 * std::sqrt(expected));
    }
    check_addressable(samples, 6, 3);
    CHECK(order_of(samples, 6, 1) != order_of(samples, 6, 2));
    CHECK(order_of(weighted{weights, seed{2}}, 6, 1) != order_of(samples, 6, 1));
}

TEST_CASE("weighted of weights that differ by many orders") {
    std::vector<double> weights(1000, 1e-12);
    weights[500] = 1e12;
    for (auto const sample : order_of(weighted{weights, seed{1}}, 1000, 0)) CHECK(sample == 500);
    CHECK(order_of(weighted{{3.0}, seed{1}}, 1, 0) == std::vector<std::int64_t>{0});
}

TEST_CASE("weighted refuses weights that are none, and another number of samples") {
    auto const refusal = [](std::vector<double> const& weights) {
        return message_of<usage_error>([&] { weighted{weights, seed{1}}; });
    };
    CHECK(refusal({1, -2}) == "weighted: expected weights of 0 or more, found -2.000000 at sample 1");
    CHECK(contains(refusal({std::numeric_limits<double>::quiet_NaN()}), "found nan at sample 0"));
    CHECK(refusal({0, 0}) == "weighted: expected a finite sum of weights above 0, found 0.000000");
    CHECK(refusal({}) == "weighted: expected a finite sum of weights above 0, found 0.000000");
    CHECK(message_of<usage_error>([] { numbers{3} | weighted{{1, 2}, seed{1}} | batch<2>; }) ==
          "weighted: expected a weight for each of 3 samples, found 2");
}

TEST_CASE("stratified delivers every sample once, with all classes spread evenly") {
    auto const data = make_classified();
    auto const samples = stratified{seed{1}}.sampler_for(data);
    for (std::uint64_t const epoch : {0, 1, 9}) {
        auto const order = order_of(samples, 1000, epoch);
        CHECK(std::set(order.begin(), order.end()).size() == 1000);
        for (std::size_t first = 0; first + 50 <= order.size(); first += 50) {
            std::map<std::int32_t, int> found;
            for (std::size_t p = first; p < first + 50; ++p)
                ++found[data.classes[static_cast<std::size_t>(order[p])]];
            REQUIRE(std::abs(found[0] - 35) <= 1);
            REQUIRE(std::abs(found[4] - 10) <= 1);
            REQUIRE(std::abs(found[1] - 5) <= 1);
            REQUIRE(found[7] <= 1);
        }
        check_addressable(samples, 1000, epoch);
    }
    CHECK(order_of(samples, 1000, 0) != order_of(samples, 1000, 1));
    CHECK(order_of(stratified{seed{2}}.sampler_for(data), 1000, 0) != order_of(samples, 1000, 0));
}

TEST_CASE("balanced delivers all classes as often, and in time all samples") {
    auto const data = make_classified();
    auto const samples = balanced{seed{1}}.sampler_for(data);
    std::vector<int> times(1000);
    for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
        auto const order = order_of(samples, 1000, epoch);
        for (std::size_t first = 0; first < order.size(); first += 4) {
            std::set<std::int32_t> turn;
            for (std::size_t p = first; p < first + 4; ++p)
                turn.insert(data.classes[static_cast<std::size_t>(order[p])]);
            REQUIRE(turn.size() == 4);
        }
        for (auto const sample : order) ++times[static_cast<std::size_t>(sample)];
        check_addressable(samples, 1000, epoch);
    }
    // 4 epochs are 1,000 turns: 700 samples of one class are seen once or twice, 3 of another 333 times or 334.
    for (std::size_t i = 0; i < 1000; ++i) {
        std::map<std::int32_t, int> const per_turn{{0, 700}, {4, 200}, {1, 97}, {7, 3}};
        auto const size = per_turn.at(data.classes[i]);
        REQUIRE(times[i] >= 1000 / size);
        REQUIRE(times[i] <= 1000 / size + 1);
    }
}

TEST_CASE("balanced of a number of samples that classes do not divide") {
    classified data{{0, 0, 0, 1, 1, 2, 2, 2, 2, 2}};
    auto const samples = balanced{seed{1}}.sampler_for(data);
    std::map<std::int64_t, int> times;
    for (std::uint64_t epoch = 0; epoch < 15; ++epoch)
        for (auto const sample : order_of(samples, 10, epoch)) ++times[sample];
    for (std::int64_t i = 0; i < 3; ++i) CHECK(times[i] == 20); // 4 a class and epoch, of the first class
    for (std::int64_t i = 3; i < 5; ++i) CHECK(std::abs(times[i] - 22) <= 1);
    for (std::int64_t i = 5; i < 10; ++i) CHECK(times[i] == 9);
}

TEST_CASE("sampling by class reads the targets once, and only them where it can") {
    struct told : classified {
        int* reads;
        std::int32_t read(std::int64_t index, std::span<float> input) const {
            ++*reads;
            return classified::read(index, input);
        }
    };
    int reads = 0;
    auto loader = told{make_classified(), &reads} | stratified{seed{1}} | batch<100>;
    CHECK(reads == 1000);
    CHECK(run_epoch(loader).targets.size() == 1000);
    CHECK(reads == 2000);

    struct with_targets : told {
        std::int32_t target_of(std::int64_t index) const { return classes[static_cast<std::size_t>(index)]; }
    };
    reads = 0;
    auto quick = with_targets{{make_classified(), &reads}} | map([](float v) { return v; }) | balanced{seed{1}} |
                 batch<100>;
    CHECK(reads == 0);

    CHECK(message_of<data_error>([] { classified{{0, 1, -1}} | stratified{seed{1}}; }) ==
          "sampling by class: expected a class of 0 or more, found -1 at sample 2");
}

TEST_CASE("sampling by class names the sample whose target cannot be read") {
    auto const thrown = [](auto const& make) -> std::pair<std::int64_t, std::string> {
        try {
            make();
        } catch (sample_error const& error) {
            CHECK_THROWS_AS(std::rethrow_if_nested(error), std::runtime_error);
            return {error.sample(), error.what()};
        }
        return {-1, ""};
    };
    std::pair<std::int64_t, std::string> const expected{7, "sample 7 (sampling by class): the disk is gone"};
    CHECK(thrown([] { numbers{10, 7} | stratified{seed{1}}; }) == expected);
    CHECK(thrown([] { numbers{10, 7} | balanced{seed{1}} | batch<2>; }) == expected);

    struct with_targets : numbers {
        std::int32_t target_of(std::int64_t index) const {
            if (index == broken) throw std::runtime_error{"the disk is gone"};
            return 0;
        }
    };
    CHECK(thrown([] { with_targets{{10, 7}} | stratified{seed{1}}; }) == expected);
}

TEST_CASE("epoch_of cuts epochs out of the order of all") {
    auto loader = numbers{10} | shuffle(seed{1}) | epoch_of(4) | batch<3>;
    CHECK(loader.samples() == 4);
    CHECK(loader.batches() == 2);
    auto whole = numbers{10} | shuffle(seed{1}) | batch<10>;
    epoch_content all, expected;
    for (int pass = 0; pass < 2; ++pass)
        for (auto const v : run_epoch(whole).inputs) expected.inputs.push_back(v);
    for (int epoch = 0; epoch < 5; ++epoch)
        for (auto const v : run_epoch(loader).inputs) all.inputs.push_back(v);
    CHECK(all.inputs == expected.inputs);

    cut_order<shuffle> const longer{shuffle(seed{1}), 25};
    check_addressable(longer, 10, 3);
    std::map<std::int64_t, int> times;
    for (auto const sample : order_of(longer, 10, 1)) ++times[sample];
    for (std::int64_t i = 0; i < 10; ++i) CHECK(std::abs(times[i] - 2) <= 1);

    auto first = numbers{10} | epoch_of(4) | batch<4>;
    CHECK(run_epoch(first).targets == std::vector<std::int32_t>{0, 1, 2, 3});
    CHECK(run_epoch(first).targets == std::vector<std::int32_t>{4, 5, 6, 7});
    CHECK(run_epoch(first).targets == std::vector<std::int32_t>{8, 9, 0, 1});
    CHECK(message_of<usage_error>([] { epoch_of(0); }) == "epoch_of(0): expected 1 sample or more");
    CHECK(message_of<usage_error>([] { numbers{3} | weighted{{1, 2}, seed{1}} | epoch_of(9) | batch<2>; }) ==
          "weighted: expected a weight for each of 3 samples, found 2");
}
