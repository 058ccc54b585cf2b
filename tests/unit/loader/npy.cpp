// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/npy_dataset.hpp>
#include <lockstep/loader/npz.hpp>
#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<npy_dataset<shape<2, 2>>> && dataset<npy_dataset<class_indices<9, 4>, shape<4>>>);

namespace {

/// Files that NumPy has written, tests/fuzz/corpus/make.py.
std::filesystem::path corpus(std::string const& name) {
    return std::filesystem::path{LOCKSTEP_SOURCE_DIR} / "tests/fuzz/corpus" / name;
}

template <class T>
std::vector<T> row(npy_file const& file, std::int64_t index) {
    std::vector<T> result(static_cast<std::size_t>(file.row_size()));
    file.read_row(index, std::span{result});
    return result;
}

/// A file of version 1.0 with this header and these elements.
bytes npy_bytes(std::string const& header, bytes const& elements) {
    bytes file{0x93,
               'N',
               'U',
               'M',
               'P',
               'Y',
               1,
               0,
               static_cast<unsigned char>(header.size()),
               static_cast<unsigned char>(header.size() >> 8)};
    file.insert(file.end(), header.begin(), header.end());
    file.insert(file.end(), elements.begin(), elements.end());
    return file;
}

} // namespace

TEST_CASE("arrays of every supported type are read as NumPy has saved them") {
    npy_file const f4{corpus("npy/f4.npy")};
    CHECK(f4.extents() == std::vector<std::int64_t>{3, 2, 2});
    CHECK(f4.rows() == 3);
    CHECK(row<float>(f4, 1) == std::vector{1.0F, 1.25F, 1.5F, 1.75F});
    CHECK(row<double>(f4, 2) == std::vector{2.0, 2.25, 2.5, 2.75});
    CHECK(row<float>(npy_file{corpus("npy/f8.npy")}, 0) == std::vector{0.1F, -2.5F});
    CHECK(row<std::uint8_t>(npy_file{corpus("npy/u1.npy")}, 1) == std::vector<std::uint8_t>{3, 4, 5});
    CHECK(row<float>(npy_file{corpus("npy/u1.npy")}, 1) == std::vector{3.0F, 4.0F, 5.0F});
    CHECK(row<std::int32_t>(npy_file{corpus("npy/i8.npy")}, 0) == std::vector{3});
    CHECK(row<std::uint8_t>(npy_file{corpus("npy/bool.npy")}, 0) == std::vector<std::uint8_t>{1, 0});
    CHECK(row<std::int32_t>(npy_file{corpus("npy/v2.npy")}, 1) == std::vector{1}); // version 2.0
    CHECK(npy_file{corpus("npy/none.npy")}.rows() == 0);
}

TEST_CASE("rows longer than a piece are converted to their last element") {
    temporary_directory const directory;
    bytes elements(2 * 3000 * 4);
    for (std::size_t i = 0; i < 6000; ++i) {
        elements[4 * i] = static_cast<unsigned char>(i);
        elements[4 * i + 1] = static_cast<unsigned char>(i >> 8);
    }
    auto const path = write(directory / "long.npy",
                            npy_bytes("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3000)}", elements));
    std::vector<float> expected(3000);
    std::iota(expected.begin(), expected.end(), 3000.0F);
    CHECK(row<float>(npy_file{path}, 1) == expected);
}

TEST_CASE("a number that an element cannot hold is an error") {
    npy_file const f8{corpus("npy/f8.npy")}; // {0.1, -2.5}, {3e10, 4}
    CHECK(contains(message_of<data_error>([&] { row<std::int32_t>(f8, 0); }),
                   "f8.npy: number out of range: expected an integer from -2147483648 to 2147483647, found 0.100000 "
                   "in row 0"));
    CHECK(contains(message_of<data_error>([&] { row<std::int32_t>(f8, 1); }), "found 30000000000.000000 in row 1"));

    float single = 0;
    CHECK(detail::convert(1e38, single));
    CHECK(!detail::convert(1e39, single));
    CHECK(detail::convert(std::numeric_limits<double>::infinity(), single));
    CHECK(detail::convert(std::numeric_limits<double>::quiet_NaN(), single));
    std::uint8_t byte = 0;
    CHECK(detail::convert(255.0, byte));
    CHECK(byte == 255);
    CHECK(!detail::convert(256.0, byte));
    CHECK(!detail::convert(-1.0, byte));
    CHECK(!detail::convert(std::nan(""), byte));
    CHECK(!detail::convert(-1, byte));
    CHECK(!detail::convert(256, byte));
    std::int32_t index = 0;
    CHECK(detail::convert(-2147483648.0, index));
    CHECK(!detail::convert(2147483648.0, index));
    CHECK(!detail::convert(2147483648.0F, index));
    CHECK(!detail::convert(std::uint32_t{1} << 31, index));
}

TEST_CASE("npy_dataset reads samples and targets of two arrays") {
    temporary_directory const directory;
    auto const labels =
        write(directory / "labels.npy", npy_bytes("{'descr':'|u1','fortran_order':False,'shape':(3,)}", {4, 5, 6}));
    npy_dataset<shape<1, 2, 2>> const data{npy_file{corpus("npy/f4.npy")}, npy_file{labels}};
    CHECK(data.size() == 3);
    std::vector<std::int32_t> targets;
    auto loader = data | shuffle(seed{1}) | batch<2> | workers(2);
    for (auto const& batch : loader)
        for (std::int64_t i = 0; i < batch.count(); ++i) {
            targets.push_back(batch.targets[static_cast<std::size_t>(i)]);
            CHECK(batch.inputs[i][1] == static_cast<float>(targets.back() - 4) + 0.25F);
        }
    std::ranges::sort(targets);
    CHECK(targets == std::vector{4, 5, 6});
}

TEST_CASE("npy_dataset refuses arrays of other shapes") {
    npy_file const three{corpus("npy/f4.npy")}, two{corpus("npy/u1.npy")}, labels{corpus("npy/i8.npy")};
    CHECK(message_of<data_error>([&] { npy_dataset<shape<4>>{three, labels}; }) ==
          three.path().string() + ": samples of another shape: expected [count, 4], found [3, 2, 2]");
    CHECK(message_of<data_error>([&] { npy_dataset<shape<2, 2>>{three, two}; }) ==
          two.path().string() + ": targets of another shape: expected [count], found [2, 3]");
    CHECK(message_of<data_error>([&] { npy_dataset<shape<3>>{two, labels}; }) ==
          labels.path().string() +
              ": samples and targets differ in number: expected 2 targets, one for each sample in " +
              two.path().string() + ", found 3");
}

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("arrays of an NPZ file are read by their names") {
    npz_file const stored{corpus("npz/stored.npz")};
    CHECK(stored.names() == std::vector<std::string>{"x", "y"});
    CHECK(row<float>(stored["x"], 1) == std::vector{3.0F, 4.0F, 5.0F});
    CHECK(row<std::int32_t>(stored["y"], 0) == std::vector{1});

    npz_file const deflated{corpus("npz/deflated.npz")};
    npy_dataset<shape<50>> const data{deflated["x"], deflated["y"]};
    CHECK(data.size() == 40);
    std::array<float, 50> input{};
    std::array<std::int32_t, 1> target{};
    data.read(39, input, target);
    CHECK(input[49] == 49);
    CHECK(target[0] == 39);
    CHECK(message_of<data_error>([&] { deflated["z"]; }) ==
          corpus("npz/deflated.npz").string() + ": no such array: expected z, found x, y");
}
#else
TEST_CASE("an NPZ file without zlib says how to get on") {
    auto const message = message_of<data_error>([] { npz_file{corpus("npz/stored.npz")}; });
    CHECK(contains(message, "zlib1g-dev"));
}
#endif
