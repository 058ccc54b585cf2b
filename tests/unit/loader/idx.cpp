// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/idx.hpp>

#include <doctest/doctest.h>

#include <numeric>

using namespace lockstep;
using namespace lockstep::testing;

TEST_CASE("an IDX file of bytes is read with its extents") {
    temporary_directory const directory;
    bytes elements(2 * 3 * 4);
    std::iota(elements.begin(), elements.end(), static_cast<unsigned char>(240)); // wraps: every bit counts
    auto const content = read_idx(write(directory / "images", idx_bytes({2, 3, 4}, elements)));
    CHECK(content.extents == std::vector<std::int64_t>{2, 3, 4});
    CHECK(content.elements == elements);
}

TEST_CASE("an IDX file without samples is a valid file") {
    temporary_directory const directory;
    auto const content = read_idx(write(directory / "none", idx_bytes({0, 28, 28}, {})));
    CHECK(content.extents == std::vector<std::int64_t>{0, 28, 28});
    CHECK(content.elements.empty());
}

TEST_CASE("an IDX file of several pieces is read to its last byte") {
    temporary_directory const directory;
    bytes elements(5'000'011);
    for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<unsigned char>(i * i >> 7);
    auto const file = idx_bytes({static_cast<std::uint32_t>(elements.size())}, elements);
    auto const content = read_idx(write(directory / "large", file));
    CHECK(content.elements == elements);
    CHECK(content.elements.capacity() == elements.size());
#if LOCKSTEP_WITH_ZLIB
    CHECK(read_idx(write(directory / "large.gz", gzip(file))).elements == elements);
#endif
}

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("gzip is known by its first bytes, not by the file's name") {
    temporary_directory const directory;
    auto const file = idx_bytes({3}, {7, 8, 9});
    CHECK(read_idx(write(directory / "plain.gz", file)).elements == bytes{7, 8, 9});
    CHECK(read_idx(write(directory / "compressed", gzip(file))).elements == bytes{7, 8, 9});
}

TEST_CASE("members of a gzip file are read as one") {
    temporary_directory const directory;
    auto both = gzip(idx_bytes({5}, {1, 2}));
    auto const second = gzip({3, 4, 5});
    both.insert(both.end(), second.begin(), second.end());
    CHECK(read_idx(write(directory / "two.gz", both)).elements == bytes{1, 2, 3, 4, 5});
}
#else
TEST_CASE("a gzip file without zlib says how to get on") {
    temporary_directory const directory;
    auto const path = write(directory / "images.gz", {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3});
    auto const message = message_of<data_error>([&] { read_idx(path); });
    CHECK(contains(message, path.string()));
    CHECK(contains(message, "zlib1g-dev"));
    CHECK(contains(message, "gunzip"));
}
#endif
