// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/cifar.hpp>
#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<cifar_dataset>);

namespace {

/// Records of an image whose byte i is i + number, behind the given labels.
bytes cifar_records(std::vector<bytes> const& labels, int number = 0) {
    bytes file;
    for (auto const& of_record : labels) {
        file.insert(file.end(), of_record.begin(), of_record.end());
        for (int i = 0; i < 3072; ++i) file.push_back(static_cast<unsigned char>(i * 7 + number));
        ++number;
    }
    return file;
}

} // namespace

TEST_CASE("cifar10 reads the five files to train on in their order, or the one to test on") {
    temporary_directory const directory;
    for (unsigned char i = 1; i <= 5; ++i)
        write(directory / ("data_batch_" + std::to_string(i) + ".bin"), cifar_records({{i}, {9}}, i));
    write(directory / "test_batch.bin", cifar_records({{4}}));

    auto const train = cifar10(split::train, directory.path());
    CHECK(train.size() == 10);
    CHECK(train.classes() == 10);
    std::array<std::uint8_t, 3072> image{};
    CHECK(train.read(6, image) == 4);
    CHECK(image[0] == 4);
    CHECK(image[3071] == static_cast<std::uint8_t>(3071 * 7 + 4));
    CHECK(train.read(7, image) == 9);
    CHECK(image[1] == 12);

    auto const test = cifar10(split::test, directory.path());
    CHECK(test.size() == 1);
    CHECK(test.read(0, image) == 4);
}

TEST_CASE("cifar100 has the label that is asked for") {
    temporary_directory const directory;
    write(directory / "train.bin", cifar_records({{3, 77}, {19, 99}}));
    std::array<std::uint8_t, 3072> image{};
    auto const fine = cifar100(split::train, directory.path());
    CHECK(fine.classes() == 100);
    CHECK(fine.read(1, image) == 99);
    CHECK(image[1] == 8);
    auto const coarse = cifar100(split::train, directory.path(), cifar100_labels::coarse);
    CHECK(coarse.classes() == 20);
    CHECK(coarse.read(1, image) == 19);
}

TEST_CASE("cifar10 refuses what its files cannot be") {
    temporary_directory const directory;
    auto const path = directory / "test_batch.bin";
    auto const refusal = [&](bytes const& content) {
        write(path, content);
        return message_of<data_error>([&] { cifar10(split::test, directory.path()); });
    };
    CHECK(refusal({}) == path.string() + ": no file of CIFAR records: expected a multiple of 3073 bytes, found 0");
    CHECK(contains(refusal(bytes(5000)), "found 5000"));
    CHECK(refusal(cifar_records({{1}, {10}})) ==
          path.string() + ": label out of range: expected 0 to 9, found 10 at record 1");
    CHECK(contains(message_of<data_error>([&] { cifar10(split::train, directory.path()); }), "data_batch_1.bin"));
}
