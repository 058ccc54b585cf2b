// SPDX-License-Identifier: MIT
#include "idx_file.hpp"
#include "samples.hpp"

#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/transform/color_jitter.hpp>
#include <lockstep/loader/transform/cutout.hpp>
#include <lockstep/loader/transform/horizontal_flip.hpp>
#include <lockstep/loader/transform/normalize.hpp>
#include <lockstep/loader/transform/random_affine.hpp>
#include <lockstep/loader/transform/random_crop.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

using bytes_of_12 = std::vector<std::uint8_t>;
/// 1 to 12, two channels of 2 by 3.
struct image_of_bytes {
    using sample_shape = shape<2, 2, 3>;
    using element = std::uint8_t;
    std::int64_t size() const { return 1; }
    std::int32_t read(std::int64_t, std::span<std::uint8_t> input) const {
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i + 1);
        return 0;
    }
};

/// Colours that look like noise, from 0 to 1.
template <int Channels, int Height, int Width>
struct noise {
    using sample_shape = shape<Channels, Height, Width>;
    std::int64_t size() const { return 1; }
    std::int32_t read(std::int64_t, std::span<float> input) const {
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 37 % 101) / 100.0F;
        return 0;
    }
};
template <int Channels, int Height, int Width>
std::vector<float> pixels_of(noise<Channels, Height, Width> const& data) {
    return sample_of(data, 0).first;
}

/// What a pixel of a padded image is: zero outside.
std::uint8_t padded(int channel, int y, int x) {
    if (y < 0 || y >= 2 || x < 0 || x >= 3) return 0;
    return static_cast<std::uint8_t>(channel * 6 + y * 3 + x + 1);
}

} // namespace

TEST_CASE("random_crop cuts any window out of the padded image, each as often") {
    auto const data = image_of_bytes{} | map(seed{1}, random_crop<2>{});
    static_assert(std::same_as<decltype(data)::sample_shape, shape<2, 2, 3>>);
    std::map<bytes_of_12, int> found;
    for (std::int64_t number = 0; number < 2500; ++number) ++found[sample_of(data, 0, {0, number}).first];

    // Some of the 25 windows show nothing but the border, and look the same.
    std::map<bytes_of_12, int> windows;
    for (int top = -2; top <= 2; ++top)
        for (int left = -2; left <= 2; ++left) {
            bytes_of_12 window;
            for (int c = 0; c < 2; ++c)
                for (int y = 0; y < 2; ++y)
                    for (int x = 0; x < 3; ++x) window.push_back(padded(c, top + y, left + x));
            ++windows[window];
        }
    CHECK(found.size() == windows.size());
    for (auto const& [window, times] : windows) CHECK(std::abs(found[window] - 100 * times) < 50 * times);
}

TEST_CASE("random_crop of another size") {
    auto const data = image_of_bytes{} | map(seed{1}, random_crop<0, 1, 2>{});
    static_assert(std::same_as<decltype(data)::sample_shape, shape<2, 1, 2>>);
    std::map<std::vector<std::uint8_t>, int> found;
    for (std::int64_t number = 0; number < 100; ++number) ++found[sample_of(data, 0, {0, number}).first];
    CHECK(found.size() == 4);
    CHECK(found.count({1, 2, 7, 8}) == 1);
    CHECK(found.count({5, 6, 11, 12}) == 1);
}

TEST_CASE("horizontal_flip mirrors rows in the share of cases that was asked for") {
    bytes_of_12 const straight{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    bytes_of_12 const mirrored{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10};
    for (float const probability : {0.0F, 0.25F, 0.5F, 1.0F}) {
        auto const data = image_of_bytes{} | map(seed{1}, horizontal_flip{.probability = probability});
        int flipped = 0;
        for (std::int64_t number = 0; number < 1000; ++number) {
            auto const image = sample_of(data, 0, {0, number}).first;
            REQUIRE((image == straight || image == mirrored));
            flipped += image == mirrored;
        }
        CHECK(std::abs(static_cast<float>(flipped) - 1000 * probability) <=
              300 * probability * (1 - probability));
    }
    CHECK(message_of<usage_error>([] { image_of_bytes{} | map(seed{1}, horizontal_flip{1.5F}); }) ==
          "horizontal_flip: expected a probability of 0 to 1, found 1.500000");
}

TEST_CASE("cutout blanks a square about any pixel, in all channels") {
    auto const data = noise<3, 5, 6>{} | map([](float v) { return v + 1; }) | map(seed{3}, cutout<3>{});
    std::map<std::pair<int, int>, int> centres;
    for (std::int64_t number = 0; number < 600; ++number) {
        auto const image = sample_of(data, 0, {0, number}).first;
        std::vector<int> rows, columns;
        for (int y = 0; y < 5; ++y)
            for (int x = 0; x < 6; ++x) {
                int blank = 0;
                for (int c = 0; c < 3; ++c) blank += image[static_cast<std::size_t>((c * 5 + y) * 6 + x)] == 0.0F;
                REQUIRE((blank == 0 || blank == 3));
                if (blank > 0) rows.push_back(y), columns.push_back(x);
            }
        auto const [top, bottom] = std::ranges::minmax(rows);
        auto const [left, right] = std::ranges::minmax(columns);
        REQUIRE(static_cast<int>(rows.size()) == (bottom - top + 1) * (right - left + 1));
        // Cut off at a border, it is about the border's own pixels.
        ++centres[{top == 0 ? bottom - 1 : top + 1, left == 0 ? right - 1 : left + 1}];
    }
    CHECK(centres.size() == 30);
}

TEST_CASE("random_affine is what its matrix says") {
    using image = noise<2, 7, 9>;
    auto const pixels = pixels_of(image{});
    auto const identity = image{} | map(seed{1}, random_affine{});
    CHECK(sample_of(identity, 0).first == pixels);

    random_affine const any{.degrees = 40, .translate = 0.2F, .smallest = 0.7F, .largest = 1.6F, .shear = 20};
    auto const data = image{} | map(seed{1}, any);
    for (std::int64_t number = 0; number < 20; ++number) {
        sample_random numbers{seed{1}, {4, number}, 0};
        auto const radians = [](double degrees) { return degrees * std::numbers::pi / 180; };
        double const angle = radians(numbers.uniform(-40, 40));
        double const move_x = numbers.uniform(-0.2F, 0.2F) * 9, move_y = numbers.uniform(-0.2F, 0.2F) * 7;
        double const scale = numbers.uniform(0.7F, 1.6F), shear = std::tan(radians(numbers.uniform(-20, 20)));
        // Forward: scale * rotation * [1, -shear; 0, 1]; its inverse by Cramer's rule.
        double const a = scale * std::cos(angle), b = scale * (-std::cos(angle) * shear - std::sin(angle));
        double const c = scale * std::sin(angle), d = scale * (-std::sin(angle) * shear + std::cos(angle));
        double const determinant = a * d - b * c;
        auto const found = sample_of(data, 0, {4, number}).first;
        for (int y = 0; y < 7; ++y)
            for (int x = 0; x < 9; ++x) {
                double const u = x - 4.0 - move_x, v = y - 3.0 - move_y;
                double const from_x = (d * u - b * v) / determinant + 4, from_y = (-c * u + a * v) / determinant + 3;
                for (int channel = 0; channel < 2; ++channel) {
                    double sum = 0.0;
                    for (int py = 0; py < 7; ++py)
                        for (int px = 0; px < 9; ++px)
                            sum += std::max(0.0, 1 - std::abs(from_x - px)) * std::max(0.0, 1 - std::abs(from_y - py)) *
                                   static_cast<double>(pixels[static_cast<std::size_t>((channel * 7 + py) * 9 + px)]);
                    auto const at = static_cast<std::size_t>((channel * 7 + y) * 9 + x);
                    REQUIRE(found[at] == doctest::Approx(sum).epsilon(1e-4));
                }
            }
    }
}

TEST_CASE("random_affine of bytes rounds, and far away there is nothing") {
    auto const halved = image_of_bytes{} | map(seed{1}, random_affine{.smallest = 2, .largest = 2});
    // Twice as large: rows at -0.25 + y / 2 + ..., that is 0.25 and 0.75; columns 0.5, 1, 1.5.
    CHECK(sample_of(halved, 0).first == bytes_of_12{2, 3, 3, 4, 4, 5, 8, 9, 9, 10, 10, 11});
    auto const tiny =
        image_of_bytes{} | map(seed{1}, random_affine{.translate = 1, .smallest = 1e-30F, .largest = 1e-30F});
    CHECK(sample_of(tiny, 0).first == bytes_of_12(12, 0));
    CHECK(contains(message_of<usage_error>([] { image_of_bytes{} | map(seed{1}, random_affine{.smallest = 0}); }),
                   "random_affine: expected finite degrees"));
}

TEST_CASE("color_jitter mixes with black, the mean grey and the own grey") {
    using image = noise<3, 2, 4>;
    auto const pixels = pixels_of(image{});
    auto const grey = [](std::vector<float> const& all, std::size_t p) {
        return 0.2989F * all[p] + 0.587F * all[8 + p] + 0.114F * all[16 + p];
    };
    auto const cut = [](float v) { return std::clamp(v, 0.0F, 1.0F); };
    for (std::int64_t number = 0; number < 20; ++number) {
        sample_random numbers{seed{2}, {0, number}, 0};
        float const bright = numbers.uniform(0.5F, 1.5F), contrast = numbers.uniform(0.2F, 1.8F);
        float const saturation = numbers.uniform(0.0F, 3.0F);
        auto expected = pixels;
        for (float& v : expected) v = cut(bright * v);
        float mean = 0;
        for (std::size_t p = 0; p < 8; ++p) mean += grey(expected, p) / 8;
        for (float& v : expected) v = cut(contrast * v + (1 - contrast) * mean);
        auto const before = expected;
        for (std::size_t i = 0; i < 24; ++i)
            expected[i] = cut(saturation * before[i] + (1 - saturation) * grey(before, i % 8));
        auto const data = image{} | map(seed{2}, color_jitter{.brightness = 0.5F, .contrast = 0.8F, .saturation = 2});
        auto const found = sample_of(data, 0, {0, number}).first;
        for (std::size_t i = 0; i < 24; ++i) REQUIRE(found[i] == doctest::Approx(expected[i]).epsilon(1e-5));
    }
    auto const still = image{} | map(seed{2}, color_jitter{});
    CHECK(sample_of(still, 0).first == pixels);
    CHECK(message_of<usage_error>([] { image{} | map(seed{2}, color_jitter{.contrast = -1}); }) ==
          "color_jitter: expected amounts of 0 or more, found -1.000000");
}

TEST_CASE("color_jitter of bytes is that of numbers, rounded") {
    auto const to_byte = [](float v) { return static_cast<std::uint8_t>(v * 200); };
    color_jitter const jitter{.brightness = 0.9F, .contrast = 0.5F, .saturation = 0.5F};
    auto const bytes = noise<3, 4, 4>{} | map(to_byte) | map(seed{1}, jitter);
    auto const numbers = noise<3, 4, 4>{} | map(to_byte) | map(to_float{}) | map(seed{1}, jitter);
    // At the same place among the transforms, they draw the same numbers.
    static_assert(decltype(bytes)::stage == 1 && decltype(numbers)::stage == 1);
    for (std::int64_t number = 0; number < 20; ++number) {
        auto const found = sample_of(bytes, 0, {0, number}).first;
        auto const expected = sample_of(numbers, 0, {0, number}).first;
        for (std::size_t i = 0; i < found.size(); ++i)
            REQUIRE(std::abs(static_cast<float>(found[i]) - 255 * expected[i]) < 2.5F);
    }
}
