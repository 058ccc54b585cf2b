// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/fashion_mnist.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>

using namespace lockstep;
using namespace lockstep::testing;

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("Fashion-MNIST as its authors made it") {
    if (!std::filesystem::exists(fashion_mnist_directory)) {
        MESSAGE("skipped: the Debian package dataset-fashion-mnist is not installed");
        return;
    }
    auto const train = fashion_mnist(split::train);
    auto const test = fashion_mnist(split::test, normalize{.mean = 0.286F, .deviation = 0.353F});
    CHECK(train.size() == 60'000);
    CHECK(test.size() == 10'000);
    CHECK(train.classes() == 10);

    std::array<float, 784> image{};
    std::array<std::int32_t, 5> labels{};
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = train.read(static_cast<std::int64_t>(i), image);
    CHECK(labels == std::array<std::int32_t, 5>{9, 0, 0, 3, 0});

    // Mean and deviation over all training pixels, known as 0.2860 and 0.3530.
    double sum = 0;
    double squares = 0;
    for (std::int64_t i = 0; i < train.size(); ++i)
        for (auto const pixel : train.pixels(i)) {
            sum += pixel;
            squares += static_cast<double>(pixel) * pixel;
        }
    auto const mean = sum / (60'000 * 784) / 255;
    CHECK(mean == doctest::Approx(0.2860).epsilon(0.0005));
    CHECK(std::sqrt(squares / (60'000 * 784) / 255 / 255 - mean * mean) ==
          doctest::Approx(0.3530).epsilon(0.0005));

    std::array<int, 10> count{};
    for (std::int64_t i = 0; i < test.size(); ++i) ++count[static_cast<std::size_t>(test.read(i, image))];
    for (int const samples : count) CHECK(samples == 1000);
}
#endif

TEST_CASE("Fashion-MNIST is read from plain files too") {
    temporary_directory const directory;
    write(directory / "t10k-images-idx3-ubyte", idx_bytes({1, 28, 28}, bytes(784, 51)));
    write(directory / "t10k-labels-idx1-ubyte", idx_bytes({1}, {7}));
    auto const test = fashion_mnist(split::test, directory.path());
    std::array<float, 784> image{};
    CHECK(test.read(0, image) == 7);
    CHECK(image[783] == 0.2F);
}

TEST_CASE("Fashion-MNIST that is missing is named with its package") {
    temporary_directory const directory;
    auto const no_directory = message_of<data_error>([&] { fashion_mnist(split::train, directory / "none"); });
    CHECK(contains(no_directory, (directory / "none").string() + ": Fashion-MNIST not found"));
    CHECK(contains(no_directory, "Debian package dataset-fashion-mnist"));
    auto const no_file = message_of<data_error>([&] { fashion_mnist(split::train, directory.path()); });
    CHECK(contains(no_file, (directory / "train-images-idx3-ubyte").string()));
    CHECK(contains(no_file, "Debian package dataset-fashion-mnist"));
}
