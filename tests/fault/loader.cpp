// SPDX-License-Identifier: MIT
#include "../unit/loader/idx_file.hpp"

#include <lockstep/loader/idx.hpp>
#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <span>
#include <thread>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

/// The message of read_idx for a file of these bytes, with the path checked and cut off.
std::string refusal(bytes const& content) {
    temporary_directory const directory;
    auto const path = write(directory / "file", content);
    auto const message = message_of<data_error>([&] { read_idx(path); });
    REQUIRE(message.starts_with(path.string() + ": "));
    return message.substr(path.string().size() + 2);
}

} // namespace

TEST_CASE("fault: a file that cannot be read") {
    temporary_directory const directory;
    CHECK(contains(message_of<data_error>([&] { read_idx(directory / "missing"); }),
                   "missing: cannot open: expected a readable file, found No such file or directory"));
    CHECK(contains(message_of<data_error>([&] { read_idx(directory.path()); }),
                   "cannot read: expected a file, found a directory"));
}

TEST_CASE("fault: a file that is no IDX file of bytes") {
    CHECK(refusal({}) == "empty file: expected an IDX file, found 0 bytes");
    CHECK(refusal({0x89, 'P', 'N', 'G', 13, 10}) ==
          "no IDX file: expected the first bytes 0x0000, an element type (0x08 for bytes) and a rank, "
          "found 0x89504e47");
    CHECK(contains(refusal({0, 0, 7, 1, 0, 0, 0, 1, 0}), "no IDX file"));
    CHECK(contains(refusal({0, 0, 8, 0, 0}), "no IDX file"));
    CHECK(refusal({0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0}) ==
          "wrong element type: expected unsigned byte (0x08), found float (0x0d)");
}

TEST_CASE("fault: a file shorter or longer than its header says") {
    CHECK(refusal({0, 0, 8}) == "truncated IDX file: expected an IDX header of at least 8 bytes, found 3");
    CHECK(refusal({0, 0, 8, 3, 0, 0, 0, 1, 0}) ==
          "truncated IDX file: expected an IDX header of 16 bytes, found 9");
    CHECK(refusal(idx_bytes({3}, {1, 2})) == "truncated IDX file: expected 11 bytes, found 10");
    CHECK(refusal(idx_bytes({2, 2}, {1, 2, 3, 4, 5})) ==
          "trailing bytes: expected 16 bytes for the extents [2, 2], found more");
}

TEST_CASE("fault: a header's claim is neither believed nor allocated") {
    // 2^32 - 1 to the fourth overflows; to the first it is 4 GiB that the file does not have.
    auto const most = 0xffffffffU;
    CHECK(contains(refusal(idx_bytes({most, most, most, most}, {1})), "impossible extents"));
    CHECK(
        contains(refusal(idx_bytes({most, 0x7fffffffU}, {1})), "expected 9223372030412324877 bytes, found 13"));
    CHECK(contains(refusal(idx_bytes({most}, {1})), "expected 4294967303 bytes, found 9"));
}

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("fault: a damaged gzip file") {
    bytes elements(100'000);
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<unsigned char>(i * i >> 5);
    auto const whole = gzip(idx_bytes({100'000}, elements));

    auto cut = whole;
    cut.resize(whole.size() / 2);
    CHECK(
        contains(refusal(cut), "truncated IDX file (gzip): expected 100008 bytes after decompression, found "));

    auto without_checksum = whole;
    without_checksum.resize(whole.size() - 8);
    CHECK(
        refusal(without_checksum) ==
        "truncated gzip file: expected a checksum after 100008 uncompressed bytes, found the end of the file");

    auto wrong_checksum = whole;
    wrong_checksum[whole.size() - 8] ^= 1;
    CHECK(contains(refusal(wrong_checksum),
                   "damaged gzip file: expected valid gzip data, found incorrect data check"));

    auto wrong_header = whole;
    wrong_header[2] = 7; // compression methods other than 8 don't exist
    CHECK(contains(refusal(wrong_header), "damaged gzip file"));

    auto trailing = whole;
    trailing.push_back(0);
    CHECK(contains(refusal(trailing), "trailing bytes: expected the end of the file after the gzip data"));

    CHECK(contains(refusal({0x1f, 0x8b}), "truncated IDX file (gzip)"));
    CHECK(contains(refusal(gzip({})), "truncated IDX file (gzip): expected an IDX header of at least 8 bytes"));

    // A flipped bit is noticed, or it was one of those that mean nothing (padding, the time of writing).
    temporary_directory const directory;
    bytes const numbers{1, 2, 3, 4, 5, 6, 7, 8, 9};
    auto const small = gzip(idx_bytes({9}, numbers));
    int noticed = 0;
    for (std::size_t bit = 0; bit < 8 * small.size(); ++bit) {
        auto flipped = small;
        flipped[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
        auto const path = write(directory / "flipped", flipped);
        try {
            auto const content = read_idx(path);
            CHECK(content.elements == numbers);
        } catch (data_error const&) {
            ++noticed;
        }
    }
    CHECK(noticed > static_cast<int>(8 * (small.size() - 10) * 9 / 10)); // 10 bytes of header
}
#endif

namespace {

/// A dataset on a disk that is slow and then gone.
struct slow {
    using sample_shape = shape<1>;
    std::int64_t broken;

    std::int64_t size() const { return 100'000; }
    std::int32_t read(std::int64_t index, std::span<float> input) const {
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        if (index == broken) throw 7;
        input[0] = 0;
        return 0;
    }
};

} // namespace

TEST_CASE("fault: a loader is destroyed while a worker is in the middle of a large batch") {
    auto const before = std::chrono::steady_clock::now();
    {
        auto loader = slow{-1} | batch<4> | workers(3);
        loader.begin();
    }
    {
        auto loader = slow{0} | batch<10'000> | workers(3); // a batch takes 50 seconds
        CHECK_THROWS_AS(loader.begin(), sample_error);
    }
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{5});
}

TEST_CASE("fault: what is thrown and is no std::exception arrives too") {
    auto loader = slow{5} | batch<4> | workers(2);
    auto at = loader.begin();
    CHECK(message_of<sample_error>([&] { ++at; }) ==
          "sample 5 (batch 1 of epoch 0): what was thrown is no std::exception");
}
