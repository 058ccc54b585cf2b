// SPDX-License-Identifier: MIT
#include "../unit/loader/idx_file.hpp"

#include <lockstep/loader/csv_dataset.hpp>
#include <lockstep/loader/image_folder.hpp>
#include <lockstep/loader/npy_dataset.hpp>
#include <lockstep/loader/npz.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/token_dataset.hpp>

#include <doctest/doctest.h>

#include <string_view>

#include <sys/stat.h>

using namespace lockstep;
using namespace lockstep::testing;

namespace {

std::filesystem::path corpus(std::string const& name) {
    return std::filesystem::path{LOCKSTEP_SOURCE_DIR} / "tests/fuzz/corpus" / name;
}

/// An NPY file of version 1.0.
bytes npy_bytes(std::string_view header, std::size_t element_bytes) {
    bytes file{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<unsigned char>(header.size()), 0};
    file.insert(file.end(), header.begin(), header.end());
    file.resize(file.size() + element_bytes);
    return file;
}

std::string refusal(bytes const& content) {
    auto const message = message_of<data_error>([&] { npy_file{detail::random_access_file{"a.npy", content}}; });
    if (message.empty()) return {};
    REQUIRE(message.starts_with("a.npy: "));
    return message.substr(7);
}

/// What a NumPy file that is refused says.
std::string refusal(std::string const& name) {
    auto const message = message_of<data_error>([&] { npy_file{corpus("npy/" + name)}; });
    REQUIRE(message.starts_with(corpus("npy/" + name).string() + ": "));
    return message.substr(corpus("npy/" + name).string().size() + 2);
}

/// The error that the batches of a dataset end with once `damage` is done after the first of them.
template <class Data>
std::string failure_after(Data data, auto damage) {
    std::string message;
    for (int const threads : {0, 2}) {
        auto loader = Data{data} | batch<2> | workers(threads) | prefetch(1);
        message = message_of<sample_error>([&] {
            for (auto const& batch : loader)
                if (batch.first == 0) damage();
        });
    }
    return message;
}

} // namespace

TEST_CASE("fault: an NPY file that is none, or of a kind that is not read") {
    CHECK(refusal(bytes{}) == "no NPY file: expected the first bytes 0x934e554d5059, found an empty file");
    CHECK(refusal(bytes{1, 2}) == "no NPY file: expected the first bytes 0x934e554d5059, found 0x0102");
    CHECK(refusal(bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1}) == "truncated NPY file: expected a header, found 7 bytes");
    CHECK(refusal(bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 4, 0, 0, 0, 0, 0}) ==
          "unknown version of NPY: expected 1, 2 or 3, found 4");
    CHECK(refusal(bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 99, 0, '{', ' '}) ==
          "truncated NPY file: expected a header of 99 bytes, found 2");
    CHECK(contains(refusal(bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 0xff, 0xff, 0xff, 0xff}), "truncated NPY file"));
    CHECK(contains(refusal("fortran.npy"), "array in Fortran's order: expected C's order"));
    CHECK(refusal("big.npy") == "wrong element type: expected bool, integers, float32 or float64, little-endian "
                                "(array.astype('<f4') makes it), found '>i4'");
    CHECK(contains(refusal("records.npy"), "found a list of fields"));
    CHECK(refusal("scalar.npy") == "a single number: expected an array of one axis or more, found shape ()");
}

TEST_CASE("fault: an NPY header that is damaged") {
    auto const header = [](std::string_view text) { return refusal(npy_bytes(text, 0)); };
    constexpr std::string_view damaged = "damaged NPY header: ";
    CHECK(header("['descr'  ") == std::string{damaged} + "expected '{', found byte 91 at 0");
    CHECK(header("{'descr'  ") == std::string{damaged} + "expected ':', found its end");
    CHECK(header("{'fortran_order': Maybe}") == std::string{damaged} + "expected True or False, found byte 77 at 18");
    CHECK(header("{'name': 'x'}") ==
          std::string{damaged} + "expected 'descr', 'fortran_order' or 'shape', found 'name'");
    CHECK(header("{'descr': '<f4'}") ==
          std::string{damaged} + "expected 'descr', 'fortran_order' and 'shape', found less");
    CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "expected an extent"));
    CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"), "an extent"));
    CHECK(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}") ==
          "impossible shape: expected fewer elements, found [4294967296, 4294967296]");
    CHECK(contains(header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}"),
                   "impossible"));
}

TEST_CASE("fault: an NPY file shorter or longer than its shape") {
    constexpr std::string_view header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}";
    CHECK(refusal(npy_bytes(header, 24)) == "");
    CHECK(refusal(npy_bytes(header, 23)) == "truncated NPY file: expected 91 bytes for the shape [2, 3], found 90");
    CHECK(refusal(npy_bytes(header, 25)) == "trailing bytes: expected 91 bytes for the shape [2, 3], found 92");
}

TEST_CASE("fault: what is no regular file") {
    temporary_directory const directory;
    auto const opened = [](std::filesystem::path const& path) {
        return message_of<data_error>([&] { detail::random_access_file{path}; });
    };
    CHECK(
        contains(opened(directory / "missing"), "missing: cannot open: expected a readable file, found No such file"));
    CHECK(contains(opened(directory.path()), "cannot read: expected a regular file, found a directory"));
    CHECK(contains(opened("/dev/null"), "found a device, pipe or socket"));
    // A pipe without a writer would keep whoever opens it waiting.
    auto const pipe = directory / "pipe";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(contains(opened(pipe), "found a device, pipe or socket"));
}

TEST_CASE("fault: a file that becomes shorter while it is read") {
    temporary_directory const directory;
    auto const text = directory / "text";
    token_dataset<256, 1000> const tokens{write(text, bytes(1'000'000)), token_type::uint8};
    auto const message = failure_after(tokens, [&] { std::filesystem::resize_file(text, 2'000'500); });
    CHECK(message.empty()); // longer is no harm
    CHECK(contains(failure_after(tokens, [&] { std::filesystem::resize_file(text, 500'500); }),
                   text.string() + ": the file has become shorter: expected 1000000 bytes, as when it was opened, "
                                   "found its end at or before byte 500500"));

    auto const array = directory / "array.npy", labels = directory / "labels.npy";
    write(array, npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (100, 1000)}", 800'000));
    write(labels, npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (100,)}", 100));
    npy_dataset<shape<1000>> const rows{npy_file{array}, npy_file{labels}};
    CHECK(contains(failure_after(rows, [&] { std::filesystem::resize_file(array, 400'000); }),
                   "array.npy: the file has become shorter: expected 800072 bytes"));
}

#if LOCKSTEP_WITH_PNG
TEST_CASE("fault: an image that disappears, and others that cannot be read") {
    temporary_directory const directory;
    std::filesystem::create_directory(directory / "a");
    for (int i = 0; i < 20; ++i)
        std::filesystem::copy_file(corpus("image/rgb.png"), directory / ("a/" + std::to_string(100 + i) + ".png"));
    std::filesystem::create_directory(directory / "a/999.png");
    image_folder<shape<3, 3, 4>> const data{directory.path()};
    CHECK(data.size() == 20);
    CHECK(contains(failure_after(data, [&] { std::filesystem::remove(directory / "a/110.png"); }),
                   "sample 10 (batch 5 of epoch 0): " + (directory / "a/110.png").string() + ": cannot open"));

    // Links that lead round in a circle.
    std::filesystem::create_directory_symlink(directory.path(), directory / "a/circle");
    std::filesystem::create_directory_symlink(directory / "a", directory / "b");
    image_folder<shape<3, 3, 4>> const linked{directory.path()};
    CHECK(linked.classes() == std::vector<std::string>{"a", "b"});
    CHECK(linked.size() == 38);
}
#endif

#if LOCKSTEP_WITH_ZLIB
TEST_CASE("fault: a compressed CSV file or archive that is damaged") {
    temporary_directory const directory;
    std::string text;
    for (int i = 0; i < 1000; ++i) text += std::to_string(i % 3) + "," + std::to_string(i * i) + "\n";
    auto packed = gzip({text.begin(), text.end()});
    packed.resize(packed.size() - 4);
    auto const path = write(directory / "cut.csv.gz", packed);
    CHECK(contains(message_of<data_error>([&] { csv_dataset<shape<1>>{path, {.targets = {0}, .header = false}}; }),
                   path.string() + ": truncated gzip file"));

    detail::input_file whole{corpus("npz/deflated.npz")};
    auto content = detail::read_rest(whole);
    content[100] ^= 0xff;
    npz_file const archive{detail::random_access_file{"a.npz", content}};
    CHECK(contains(message_of<data_error>([&] { archive["x"]; }), "a.npz/x.npy: damaged member of a ZIP archive"));
}
#endif
