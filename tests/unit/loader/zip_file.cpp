// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/zip_file.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#if LOCKSTEP_WITH_ZLIB

using namespace lockstep;
using namespace lockstep::testing;

namespace {

/// Appends a number of so many bytes, the lowest first.
void put(bytes& file, std::uint64_t value, int width) {
    for (int i = 0; i < width; ++i) file.push_back(static_cast<unsigned char>(value >> 8 * i));
}
void put(bytes& file, std::string_view text) { file.insert(file.end(), text.begin(), text.end()); }

struct archive_options {
    bool wide = false; // the 64-bit form
    int flags = 0;
    int method = 0;
    std::uint32_t damage = 0; // of the checksum
    std::string comment = "";
    std::uint16_t disk = 0;
};

/// An archive of one stored member, "name", built by PKWARE's APPNOTE.TXT.
bytes archive_of(std::string_view content, archive_options options = {}) {
    bytes const data{content.begin(), content.end()};
    auto const checksum = static_cast<std::uint32_t>(crc32_z(0, data.data(), data.size())) ^ options.damage;
    auto const size = options.wide ? 0xffffffffU : data.size();
    bytes file;
    put(file, "PK\3\4");
    put(file, 20, 2);
    put(file, static_cast<std::uint64_t>(options.flags), 2);
    put(file, static_cast<std::uint64_t>(options.method), 2);
    put(file, 0, 4); // time and date
    put(file, checksum, 4);
    put(file, data.size(), 4);
    put(file, data.size(), 4);
    put(file, 4, 2);
    put(file, 3, 2); // an extra field that the directory does not have
    put(file, "nameabc");
    put(file, content);

    auto const directory = file.size();
    put(file, "PK\1\2");
    put(file, 20, 2);
    put(file, 20, 2);
    put(file, static_cast<std::uint64_t>(options.flags), 2);
    put(file, static_cast<std::uint64_t>(options.method), 2);
    put(file, 0, 4);
    put(file, checksum, 4);
    put(file, size, 4);
    put(file, size, 4);
    put(file, 4, 2);
    put(file, options.wide ? 36 : 0, 2);
    put(file, 2, 2);
    put(file, 0, 8);
    put(file, options.wide ? 0xffffffffU : 0U, 4);
    put(file, "name");
    if (options.wide) {
        put(file, 0x5555, 2); // a field of something else
        put(file, 4, 2);
        put(file, 0, 4);
        put(file, 1, 2);
        put(file, 24, 2);
        put(file, data.size(), 8);
        put(file, data.size(), 8);
        put(file, 0, 8);
    }
    put(file, "no"); // the member's comment
    auto const directory_bytes = file.size() - directory;

    if (options.wide) {
        auto const end = file.size();
        put(file, "PK\6\6");
        put(file, 44, 8);
        put(file, 0, 8); // versions and disks
        put(file, 0, 4);
        put(file, 1, 8);
        put(file, 1, 8);
        put(file, directory_bytes, 8);
        put(file, directory, 8);
        put(file, "PK\6\7");
        put(file, 0, 4);
        put(file, end, 8);
        put(file, 1, 4);
    }
    put(file, "PK\5\6");
    put(file, options.disk, 2);
    put(file, options.disk, 2);
    put(file, options.wide ? 0xffff : 1, 2);
    put(file, options.wide ? 0xffff : 1, 2);
    put(file, options.wide ? 0xffffffffU : directory_bytes, 4);
    put(file, options.wide ? 0xffffffffU : directory, 4);
    put(file, options.comment.size(), 2);
    put(file, options.comment);
    return file;
}

std::string content_of(bytes const& file) {
    detail::zip_file const archive{detail::random_access_file{"a.zip", file}};
    REQUIRE(archive.members().size() == 1);
    CHECK(archive.members()[0].name == "name");
    auto const content = archive.read(archive.members()[0]);
    return {content.begin(), content.end()};
}

std::string refusal(bytes const& file) {
    return message_of<data_error>([&] { content_of(file); });
}

} // namespace

TEST_CASE("members of ZIP archives are read, in the 64-bit form too") {
    CHECK(content_of(archive_of("hello")) == "hello");
    CHECK(content_of(archive_of("")) == "");
    CHECK(content_of(archive_of("hello", {.wide = true})) == "hello");
    CHECK(content_of(archive_of("hello", {.comment = "PK\5\6 is no end record here"})) == "hello");
}

TEST_CASE("ZIP archives that cannot be read say why") {
    CHECK(refusal({}) == "a.zip: no ZIP archive: expected an end record, found an empty file");
    CHECK(refusal(bytes(100, 'x')) == "a.zip: no ZIP archive: expected an end record, found 0x78787878");
    CHECK(refusal(archive_of("hello", {.flags = 1})) ==
          "a.zip/name: unreadable member of a ZIP archive: expected no encryption, found an encrypted one");
    CHECK(contains(refusal(archive_of("hello", {.method = 12})),
                   "expected method 0 (stored) or 8 (deflated), found method 12"));
    CHECK(contains(refusal(archive_of("hello", {.damage = 1})),
                   "a.zip/name: damaged member of a ZIP archive: expected its checksum"));
    CHECK(contains(refusal(archive_of("hello", {.method = 8})),
                   "a.zip/name: damaged member of a ZIP archive: expected 5 bytes"));
    CHECK(contains(refusal(archive_of("hello", {.disk = 1})), "expected one file, found a part of several"));
}

TEST_CASE("a ZIP archive with a byte changed or its end cut off reads as before or is refused") {
    for (bool const wide : {false, true}) {
        auto const whole = archive_of("hello", {.wide = wide});
        for (std::size_t length = 0; length < whole.size(); ++length)
            CHECK(!refusal(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))).empty());
        for (std::size_t i = 0; i < whole.size(); ++i)
            for (int const value : {0, 1, 0x7f, 0x80, 0xff}) {
                auto changed = whole;
                changed[i] = static_cast<unsigned char>(value);
                try {
                    detail::zip_file const archive{detail::random_access_file{"a.zip", changed}};
                    for (auto const& member : archive.members()) {
                        auto const content = archive.read(member);
                        CHECK(std::ranges::equal(content, std::string_view{"hello"}));
                    }
                } catch (data_error const&) {
                    // as it should be, for most
                }
            }
    }
}

#endif
