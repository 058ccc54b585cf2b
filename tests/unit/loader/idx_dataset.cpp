// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/idx_dataset.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/pixel_dataset.hpp>

#include <doctest/doctest.h>

#include <array>
#include <limits>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<idx_dataset<shape<1, 2, 2>>>);

namespace {

struct files {
    temporary_directory directory;
    std::filesystem::path images =
        write(directory / "images", idx_bytes({2, 2, 3}, {0, 1, 2, 3, 4, 5, 255, 254, 9, 8, 7, 6}));
    std::filesystem::path labels = write(directory / "labels", idx_bytes({2}, {3, 0}));
};

} // namespace

TEST_CASE("every pixel is divided by 255 as exactly as a division does") {
    for (int pixel = 0; pixel < 256; ++pixel)
        CHECK(detail::unit_interval(static_cast<std::uint8_t>(pixel)) == static_cast<float>(pixel) / 255.0F);
}

TEST_CASE("idx_dataset reads images with their labels") {
    files const stored;
    idx_dataset<shape<1, 2, 3>> const data{stored.images, stored.labels, 4};
    CHECK(data.size() == 2);
    CHECK(data.classes() == 4);
    std::array<float, 6> image{};
    CHECK(data.read(0, image) == 3);
    CHECK(image == std::array{0.0F, 1 / 255.0F, 2 / 255.0F, 3 / 255.0F, 4 / 255.0F, 5 / 255.0F});
    CHECK(data.read(1, image) == 0);
    CHECK(image[0] == 1.0F);
    CHECK(data.pixels(1)[2] == 9);
}

TEST_CASE("idx_dataset normalizes by the order of torchvision's operations") {
    files const stored;
    normalize const scale{.mean = 0.286F, .deviation = 0.353F};
    idx_dataset<shape<2, 3>> const data{stored.images, stored.labels, 4, scale};
    std::array<float, 6> image{};
    data.read(1, image);
    for (std::size_t i = 0; i < 6; ++i)
        CHECK(image[i] == (static_cast<float>(data.pixels(1)[i]) / 255.0F - 0.286F) / 0.353F);
}

TEST_CASE("idx_dataset accepts a file with the axis of one channel") {
    files const stored;
    auto const images = write(stored.directory / "channel", idx_bytes({2, 1, 1, 2}, {1, 2, 3, 4}));
    idx_dataset<shape<1, 1, 2>> const data{images, stored.labels, 4};
    CHECK(data.pixels(1)[1] == 4);
}

TEST_CASE("idx_dataset refuses images and labels that don't fit") {
    files const stored;
    auto const refusal = [&](auto shape, std::filesystem::path const& images,
                             std::filesystem::path const& labels, int classes) {
        return message_of<data_error>([&] { idx_dataset<decltype(shape)>{images, labels, classes}; });
    };
    CHECK(refusal(shape<1, 28, 28>{}, stored.images, stored.labels, 10) ==
          stored.images.string() + ": images of another shape: expected [count, 1, 28, 28], found [2, 2, 3]");
    CHECK(contains(refusal(shape<2, 2, 3>{}, stored.images, stored.labels, 10), "expected [count, 2, 2, 3]"));
    CHECK(contains(refusal(shape<2, 3>{}, stored.labels, stored.labels, 10), "found [2]"));
    CHECK(refusal(shape<2, 3>{}, stored.images, stored.images, 10) ==
          stored.images.string() + ": no labels: expected [count], found [2, 2, 3]");
    auto const three = write(stored.directory / "three", idx_bytes({3}, {0, 0, 0}));
    CHECK(refusal(shape<2, 3>{}, stored.images, three, 10) ==
          three.string() + ": images and labels differ in number: expected 2 labels, one for each image in " +
              stored.images.string() + ", found 3");
    CHECK(refusal(shape<2, 3>{}, stored.images, stored.labels, 3) ==
          stored.labels.string() + ": label out of range: expected 0 to 2, found 3 at sample 0");
}

TEST_CASE("idx_dataset refuses impossible options") {
    files const stored;
    auto const refusal = [&](int classes, normalize scale) {
        return message_of<usage_error>([&] {
            idx_dataset<shape<2, 3>>{stored.images, stored.labels, classes, scale};
        });
    };
    CHECK(contains(refusal(0, {}), "expected 1 class or more, found 0"));
    CHECK(contains(refusal(4, {.mean = 0.5F, .deviation = 0}), "found 0.500000 and 0.000000"));
    CHECK(contains(refusal(4, {.mean = std::numeric_limits<float>::infinity()}), "normalize"));
    CHECK(contains(refusal(4, {.deviation = std::numeric_limits<float>::quiet_NaN()}), "normalize"));
}

TEST_CASE("pixels lends the bytes of an idx_dataset, for transforms of one's own choice") {
    files const stored;
    normalize const scale{.mean = 0.286F, .deviation = 0.353F};
    using images = idx_dataset<shape<1, 2, 3>>;
    auto const bytes = pixels(images{stored.images, stored.labels, 4});
    CHECK(bytes.size() == 2);
    CHECK(bytes.classes() == 4);
    std::array<std::uint8_t, 6> image{};
    CHECK(bytes.read(1, image) == 0);
    CHECK(image == std::array<std::uint8_t, 6>{255, 254, 9, 8, 7, 6});

    auto const mapped_bytes = bytes | map(scale);
    images const expected{stored.images, stored.labels, 4, scale};
    std::array<float, 6> found{}, wanted{};
    std::int32_t target = -1;
    for (std::int64_t i = 0; i < 2; ++i) {
        mapped_bytes.read(i, found, {&target, 1});
        CHECK(target == expected.read(i, wanted));
        CHECK(found == wanted);
    }
}

TEST_CASE("idx_dataset turns images that are stored by columns, as EMNIST's are") {
    temporary_directory const directory;
    auto const images = write(directory / "images", idx_bytes({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
    auto const labels = write(directory / "labels", idx_bytes({2}, {0, 1}));
    idx_dataset<shape<1, 2, 2>> const data{images, labels, 2, {}, pixel_order::columns};
    CHECK(std::ranges::equal(data.pixels(0), std::array{1, 3, 2, 4}));
    CHECK(std::ranges::equal(data.pixels(1), std::array{5, 7, 6, 8}));
    CHECK(message_of<usage_error>([&] {
              idx_dataset<shape<1, 2, 3>>{images, labels, 2, {}, pixel_order::columns};
          }) == "idx_dataset: expected square images for pixel_order::columns, found [count, 1, 2, 3]");
}
