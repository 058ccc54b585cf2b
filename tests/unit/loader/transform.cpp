// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "samples.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/one_hot.hpp>
#include <lockstep/loader/transform/random_crop.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

using floats = std::vector<float>;
using lent_bytes = counting<shape<2, 1, 2>, std::uint8_t, true>;
using read_bytes = counting<shape<2, 1, 2>, std::uint8_t>;
using numbers_of_4 = counting<shape<4>, float>;

template <class F, class View>
constexpr transform_kind kind_of = detail::transformation<F, View>::kind;

struct doubled {
    float operator()(float value) const { return 2 * value; }
};
struct reversed {
    void operator()(std::span<float> input) const { std::ranges::reverse(input); }
};
/// Pairs are added.
struct pairs_added {
    template <class View>
    using output = sample_view<float, shape<static_cast<int>(View::sample_shape::size / 2)>>;
    void operator()(std::span<float const> from, std::span<float> to) const {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[2 * i] + from[2 * i + 1];
    }
};
struct noisy {
    void operator()(std::span<float> input, sample_random& random) const {
        for (float& value : input) value += random.uniform();
    }
};
struct pixels_only {
    void operator()(sample_view<float, shape<1, 2, 2>>) const {}
};

using float_view = sample_view<float, shape<4>>;
using byte_view = sample_view<std::uint8_t, shape<4>>;

static_assert(kind_of<doubled, float_view> == transform_kind::elementwise);
static_assert(kind_of<reversed, float_view> == transform_kind::in_place);
static_assert(kind_of<pairs_added, float_view> == transform_kind::copying);
static_assert(kind_of<noisy, float_view> == transform_kind::in_place);
static_assert(kind_of<to_float, byte_view> == transform_kind::elementwise);
static_assert(transform<pixels_only, sample_view<float, shape<1, 2, 2>>>);

// What does not fit: other elements are not converted, other shapes not taken.
static_assert(!transform<doubled, byte_view> && !transform<to_float, float_view>);
static_assert(!transform<reversed, byte_view> && !transform<pixels_only, float_view>);
static_assert(!transform<int, float_view> && !transform<random_crop<2>, float_view>);
static_assert(!transform<normalize_channels<3>, sample_view<float, shape<1, 8, 8>>>);
static_assert(!transform<random_crop<0, 9, 9>, sample_view<float, shape<1, 8, 8>>>);
static_assert(!transform<one_hot<3>, sample_view<float, shape<>>>);

// A dataset remains one, unless something is drawn anew.
static_assert(dataset<decltype(numbers_of_4{1} | map(doubled{}, reversed{}))>);
static_assert(!dataset<decltype(numbers_of_4{1} | map(seed{1}, noisy{}))>);
static_assert(any_dataset<decltype(numbers_of_4{1} | map(seed{1}, noisy{}) | map(doubled{}))>);
static_assert(!dataset<decltype(numbers_of_4{1} | map(seed{1}, noisy{}) | map(doubled{}))>);

} // namespace

TEST_CASE("transforms follow one another, each with what the one before leaves") {
    auto const data = numbers_of_4{3} | map(doubled{}, reversed{}, pairs_added{});
    static_assert(std::same_as<decltype(data)::sample_shape, shape<2>>);
    CHECK(sample_of(data, 1).first == floats{50, 42}); // 10 11 12 13, doubled: 26 24 22 20 backwards
    CHECK(sample_of(data, 2).second == std::vector<std::int32_t>{2});
    auto const in_two_stages = numbers_of_4{3} | map(doubled{}) | map(reversed{}, pairs_added{});
    CHECK(sample_of(in_two_stages, 1) == sample_of(data, 1));
}

TEST_CASE("elementwise transforms in a row are one") {
    auto const data = read_bytes{3} | map(to_float{}, doubled{}) | map(doubled{});
    using fused = detail::fused_elementwise<detail::fused_elementwise<to_float, doubled>, doubled>;
    static_assert(std::same_as<decltype(data), mapped<read_bytes, fused> const>);
    CHECK(sample_of(data, 1).first == floats{40 / 255.0F, 44 / 255.0F, 48 / 255.0F, 52 / 255.0F});
}

TEST_CASE("what a dataset lends is transformed as what it has written") {
    normalize_channels<2> const scale{.mean = {0.5F, 0.25F}, .deviation = {0.5F, 2.0F}};
    auto const lent = lent_bytes{4} | map(scale);
    auto const read = read_bytes{4} | map(scale);
    auto const [input, targets] = sample_of(lent, 3);
    CHECK(input[0] == (30 / 255.0F - 0.5F) / 0.5F);
    CHECK(input[3] == (33 / 255.0F - 0.25F) / 2.0F);
    CHECK(sample_of(lent, 3) == sample_of(read, 3));

    auto const crop = [](auto data) { return data | map(seed{1}, random_crop<1>{}, to_float{}); };
    for (std::int64_t i = 0; i < 4; ++i)
        CHECK(sample_of(crop(lent_bytes{4}), i, {3, i}) == sample_of(crop(read_bytes{4}), i, {3, i}));
}

TEST_CASE("normalize and to_float are torchvision's formula for all bytes") {
    normalize const scale{.mean = 0.286F, .deviation = 0.353F};
    for (int pixel = 0; pixel < 256; ++pixel) {
        auto const byte = static_cast<std::uint8_t>(pixel);
        CHECK(to_float{}(byte) == static_cast<float>(pixel) / 255.0F);
        CHECK(scale(byte) == (static_cast<float>(pixel) / 255.0F - 0.286F) / 0.353F);
    }
    CHECK(rescale{.factor = 2, .offset = -1}(std::uint8_t{200}) == 399.0F);
}

TEST_CASE("a plain function is a transform in each of the forms") {
    auto const data = read_bytes{3};
    auto const elementwise = data | map([](std::uint8_t v) { return static_cast<float>(v) + 0.5F; });
    CHECK(sample_of(elementwise, 0).first == floats{0.5F, 1.5F, 2.5F, 3.5F});
    auto const by_channel = data | map([](std::uint8_t v, int c) { return static_cast<float>(v + 100 * c); });
    CHECK(sample_of(by_channel, 0).first == floats{0, 1, 102, 103});
    auto const in_place = data | map([](std::span<std::uint8_t> input) { input[0] = 9; });
    CHECK(sample_of(in_place, 0).first == std::vector<std::uint8_t>{9, 1, 2, 3});
    auto const copying = data | map([](std::span<std::uint8_t const> from, std::span<float> to) {
                             for (std::size_t i = 0; i < to.size(); ++i) to[i] = from[to.size() - 1 - i];
                         });
    CHECK(sample_of(copying, 0).first == floats{3, 2, 1, 0});
    auto const random = data | map(seed{1}, [](std::span<std::uint8_t> input, sample_random& numbers) {
                            input[0] = static_cast<std::uint8_t>(numbers.below(256));
                        });
    CHECK(sample_of(random, 0, {0, 0}) == sample_of(random, 0, {0, 0}));
}

TEST_CASE("random transforms depend on seed, epoch, sample and their place, and on nothing else") {
    auto const noise = [](std::uint64_t s, std::int64_t index, draw which) {
        auto const data = counting<shape<64>, float>{3} | map(seed{s}, noisy{});
        auto all = sample_of(data, index, which).first;
        for (std::size_t i = 0; i < all.size(); ++i) all[i] -= static_cast<float>(10 * index) + static_cast<float>(i);
        return all;
    };
    auto const first = noise(1, 0, {0, 0});
    CHECK(noise(1, 0, {0, 0}) == first);
    CHECK(noise(2, 0, {0, 0}) != first);
    CHECK(noise(1, 0, {1, 0}) != first);
    CHECK(noise(1, 0, {0, 1}) != first);
    CHECK(noise(1, 0, {0, std::int64_t{1} << 40}) != first);

    // Two in a row draw different numbers, though from one seed.
    auto const twice = counting<shape<64>, float>{1} | map(seed{1}, noisy{}, noisy{});
    auto const sums = sample_of(twice, 0).first;
    int same = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
        float const second = sums[i] - static_cast<float>(i) - first[i];
        same += std::abs(second - first[i]) < 1e-4F;
    }
    CHECK(same < 4);
}

TEST_CASE("sample_random's numbers are spread as they should be") {
    sample_random random{seed{5}, {2, 7}, 0};
    std::vector<int> counts(6);
    double sum = 0.0;
    int heads = 0;
    constexpr int draws = 6000;
    for (int i = 0; i < draws; ++i) {
        ++counts[static_cast<std::size_t>(random.below(6))];
        sum += random.uniform(-1.0F, 3.0F);
        heads += random.chance(0.25F);
    }
    for (int const count : counts) CHECK(std::abs(count - 1000) < 150); // 5 standard deviations
    CHECK(std::abs(sum / draws - 1.0) < 0.08);
    CHECK(std::abs(heads - 1500) < 170);
}

TEST_CASE("one_hot makes targets numbers, and refuses what is no class") {
    auto const data = numbers_of_4{12} | map_targets(one_hot<10>{});
    static_assert(std::same_as<decltype(data)::target_shape, shape<10>>);
    CHECK(sample_of(data, 3).second == floats{0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
    CHECK(sample_of(data, 3).first == floats{30, 31, 32, 33});
    auto const smoothed = data | map_targets([](float v) { return 0.9F * v + 0.01F; });
    CHECK(sample_of(smoothed, 1).second[1] == doctest::Approx(0.91));
    CHECK(sample_of(smoothed, 1).second[0] == doctest::Approx(0.01));

    auto loader = numbers_of_4{12} | map_targets(one_hot<4>{}) | batch<2>;
    CHECK(message_of<sample_error>([&] {
              for ([[maybe_unused]] auto const& batch : loader) {}
          }) == "sample 4 (batch 2 of epoch 0): one_hot<4>: expected a class of 0 to 3, found 4");
}

TEST_CASE("targets pass by transforms of inputs, and lent inputs by those of targets") {
    auto const data = lent_bytes{4} | map_targets(one_hot<10>{}) | map(to_float{});
    static_assert(detail::lends_samples<decltype(lent_bytes{4} | map_targets(one_hot<10>{}))>);
    auto const [input, targets] = sample_of(data, 2);
    CHECK(input == floats{20 / 255.0F, 21 / 255.0F, 22 / 255.0F, 23 / 255.0F});
    CHECK(targets[2] == 1.0F);
}

TEST_CASE("options that make no sense are refused when the pipeline is made") {
    CHECK(message_of<usage_error>([] { read_bytes{2} | map(normalize{.mean = 0, .deviation = 0}); }) ==
          "normalize: expected a finite mean and a finite deviation above 0, found 0.000000 and 0.000000");
    CHECK(message_of<usage_error>([] { read_bytes{2} | map(to_float{}, normalize{.mean = 0, .deviation = -1}); }) ==
          "normalize: expected a finite mean and a finite deviation above 0, found 0.000000 and -1.000000");
    CHECK(contains(message_of<usage_error>([] { read_bytes{2} | map(normalize_channels<2>{}); }), "found 0.000000"));
}
