// SPDX-License-Identifier: MIT
#include <lockstep/train/safetensors.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace ls = lockstep;

struct scratch {
    fs::path path;
    scratch() {
        auto name = (fs::temp_directory_path() / "lockstep-safetensors-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~scratch() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    std::string operator/(std::string const& name) const { return (path / name).string(); }
};

std::string length(std::uint64_t value) {
    std::string bytes(8, '\0');
    for (auto& byte : bytes) {
        byte = static_cast<char>(value & 0xff);
        value >>= 8;
    }
    return bytes;
}

/// What the reader says about a file of these bytes; empty when it accepts them.
std::string refusal_of_bytes(std::string const& bytes) {
    scratch const directory;
    auto const path = directory / "bad.safetensors";
    std::ofstream(path, std::ios::binary) << bytes;
    try {
        ls::safetensors_file::read(path);
    } catch (ls::data_error const& refused) {
        CHECK(std::string(refused.what()).find(path) != std::string::npos);
        return refused.what();
    }
    return {};
}

std::string refusal(std::string const& header, std::size_t data_bytes = 0) {
    return refusal_of_bytes(length(header.size()) + header + std::string(data_bytes, '\0'));
}

/// A header of one tensor 'w'.
std::string tensor(std::string const& dtype, std::string const& shape, std::string const& offsets) {
    return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

bool says(std::string const& text, std::string const& part) {
    bool const found = text.find(part) != std::string::npos;
    if (!found) MESSAGE("found: ", text);
    return found;
}

} // namespace

TEST_CASE("the cases below are refused for their fault alone") {
    CHECK(refusal(tensor("F32", "[2]", "[0,8]"), 8).empty());
    CHECK(refusal("{}").empty());
}

TEST_CASE("files that cannot be opened or are too short") {
    scratch const directory;
    auto const read = [](std::string const& path) -> std::string {
        try {
            ls::safetensors_file::read(path);
        } catch (ls::data_error const& refused) {
            return refused.what();
        }
        return {};
    };
    CHECK(says(read(directory / "missing"), "No such file or directory"));
    CHECK(says(read(directory.path.string()), "found a directory"));
    CHECK(says(refusal_of_bytes(""), "at least 10 bytes, found 0 bytes"));
    CHECK(says(refusal_of_bytes(length(2) + "{"), "at least 10 bytes, found 9 bytes"));
}

TEST_CASE("a header that is longer than the file, or than any header") {
    CHECK(says(refusal_of_bytes(length(3) + "{}"), "at most 2 bytes, which follow its length, found 3 bytes"));
    CHECK(says(refusal_of_bytes(length(100'000'001) + "{}"), "at most 100000000 bytes, found 100000001"));
    CHECK(says(refusal_of_bytes(length(~std::uint64_t{0}) + "{}"), "found 18446744073709551615 bytes"));
}

TEST_CASE("a header that is no JSON of the format") {
    CHECK(says(refusal("[]"), "byte 0 of the header: expected '{', found '['"));
    CHECK(says(refusal(" {}"), "expected '{', found ' '"));
    CHECK(says(refusal("{} x"), "byte 3 of the header: expected the end of the header, found 'x'"));
    CHECK(says(refusal(std::string("{}\0", 3)), "found byte 0"));
    CHECK(says(refusal("{ "), "expected '\"', found the end of the header"));
    CHECK(says(refusal("{\"w"), "found the end of the header"));
    CHECK(says(refusal("{\"w\"}"), "expected ':', found '}'"));
    CHECK(says(refusal("{\"w\":{}}"), "dtype, shape and data_offsets of tensor 'w', found less"));
    CHECK(says(refusal("{\"w\":7}"), "expected '{', found '7'"));
    CHECK(says(refusal("{\"w\":{\"dtype\":\"F32\"}"), "found less"));
    CHECK(says(refusal(R"({"w":{"size":[2]}})"), "expected dtype, shape or data_offsets, found \"size\""));
    CHECK(says(refusal(R"({"__metadata__":{"epoch":3}})"), "expected '\"', found '3'"));
    CHECK(says(refusal(R"({"__metadata__":{},})"), "expected '\"', found '}'"));
    CHECK(says(refusal("{\"\x01\":{}}"), "found byte 1"));
    CHECK(says(refusal("{\"\xff\":{}}"), "expected a character of a string in UTF-8, found byte 255"));
    CHECK(says(refusal(R"({"\x":{}})"), "expected an escape sequence, found 'x'"));
    CHECK(says(refusal(R"({"\u12g4":{}})"), "expected four hexadecimal digits, found 'g'"));
    CHECK(says(refusal(R"({"\ud800":{}})"), "expected a pair of surrogates"));
    CHECK(says(refusal(R"({"\udc00\ud800":{}})"), "expected a pair of surrogates"));
    CHECK(says(refusal("{\"\\"), "found the end of the header"));
}

TEST_CASE("names that come twice") {
    auto const entry = R"("w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    CHECK(says(refusal(std::string("{") + entry + "," + entry + "}"), "that is not taken yet, found \"w\""));
    CHECK(says(refusal(R"({"w":{"dtype":"F32","dtype":"F32"}})"), "found \"dtype\""));
    CHECK(says(refusal(R"({"__metadata__":{"a":"1","\u0061":"2"}})"), "found \"a\""));
    CHECK(says(refusal(R"({"__metadata__":{},"__metadata__":{}})"), "found \"__metadata__\""));
}

TEST_CASE("element types that are not ours") {
    CHECK(says(refusal(tensor("BF16", "[2]", "[0,4]"), 4), "expected dtype F32, F64 or I64, found \"BF16\""));
    CHECK(says(refusal(tensor(std::string(1000, 'F'), "[2]", "[0,4]"), 4), "FFFF..."));
}

TEST_CASE("numbers that are no extents") {
    CHECK(says(refusal(tensor("F32", "[-1]", "[0,4]"), 4), "expected a whole number, found '-'"));
    CHECK(says(refusal(tensor("F32", "[1.0]", "[0,4]"), 4), "expected ',' or ']', found '.'"));
    CHECK(says(refusal(tensor("F32", "[1e0]", "[0,4]"), 4), "expected ',' or ']', found 'e'"));
    CHECK(says(refusal(tensor("F32", "[01]", "[0,4]"), 4), "without leading zeros"));
    CHECK(says(refusal(tensor("F32", "[1,]", "[0,4]"), 4), "expected a whole number, found ']'"));
    CHECK(says(refusal(tensor("F32", "[9223372036854775808]", "[0,4]"), 4), "below 2^63"));
    CHECK(says(refusal(tensor("F32", "[99999999999999999999999]", "[0,4]"), 4), "below 2^63"));
}

TEST_CASE("data that disagrees with the shape") {
    CHECK(says(refusal(tensor("F32", "[3]", "[0,8]"), 8), "'w': expected 12 bytes for its shape, found 8"));
    CHECK(says(refusal(tensor("F32", "[]", "[0,8]"), 8), "expected 4 bytes for its shape, found 8"));
    // 2^32 x 2^32 x 4 bytes is 0 in 64 bits.
    CHECK(says(refusal(tensor("F32", "[4294967296,4294967296]", "[0,0]")), "less than 2^63 bytes"));
    CHECK(says(refusal(tensor("F32", "[9223372036854775807]", "[0,4]"), 4), "less than 2^63 bytes"));
}

TEST_CASE("offsets that are out of range, overlap, leave holes or a rest") {
    CHECK(says(refusal(tensor("F32", "[2]", "[0,8]"), 4), "an end within the 4 bytes of data, found 8"));
    CHECK(says(refusal(tensor("F32", "[2]", "[8,0]"), 8), "the first not past the second, found [8,0]"));
    CHECK(says(refusal(tensor("F32", "[2]", "[8]"), 8), "two offsets"));
    CHECK(says(refusal(tensor("F32", "[2]", "[0,4,8]"), 8), "two offsets"));
    CHECK(says(refusal(tensor("F32", "[1]", "[4,8]"), 8), "an offset of 0, where the tensor before it ends"));
    CHECK(says(refusal(tensor("F32", "[1]", "[0,4]"), 5), "expected 4 bytes of data, found 5"));
    CHECK(says(refusal("{}", 1), "expected 0 bytes of data, found 1"));
    auto const pair = [](std::string const& second) {
        return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
               R"("b":{"dtype":"F32","shape":[2],"data_offsets":)" +
               second + "}}";
    };
    CHECK(refusal(pair("[8,16]"), 16).empty());
    CHECK(says(refusal(pair("[4,12]"), 12), "tensor 'b': expected an offset of 8"));
    CHECK(says(refusal(pair("[0,8]"), 8), "expected an offset of 8"));
    CHECK(says(refusal(pair("[12,20]"), 20), "tensor 'b': expected an offset of 8"));
}

TEST_CASE("every truncation of a file is refused") {
    auto const header = tensor("F64", "[2]", "[0,16]");
    auto const whole = length(header.size()) + header + std::string(16, '\1');
    REQUIRE(refusal_of_bytes(whole).empty());
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
        CHECK_FALSE(refusal_of_bytes(whole.substr(0, bytes)).empty());
}

TEST_CASE("no single changed byte of the header crashes the reader") {
    auto const header = tensor("F64", "[2]", "[0,16]");
    for (std::size_t at = 0; at < header.size(); ++at)
        for (char const c : std::string("\0\"\\{}[]:,0 9\x80", 13)) {
            auto changed = header;
            changed[at] = c;
            refusal(changed, 16);
        }
}

TEST_CASE("asking for what is not there") {
    scratch const directory;
    auto const path = directory / "net.safetensors";
    float const value[]{1.0f};
    std::vector<ls::tensor_entry> const entries{ls::make_entry<float>("w", {1}, value)};
    ls::write_safetensors(path, {}, entries);
    auto const file = ls::safetensors_file::read(path);
    CHECK_THROWS_WITH_AS(file.as<float>("v"), ("'" + path + "': expected a tensor 'v', found 'w'").c_str(),
                         ls::data_error);
    CHECK_THROWS_WITH_AS(file.as<double>("w"), ("'" + path + "': tensor 'w': expected F64, found F32").c_str(),
                         ls::data_error);
}

TEST_CASE("what cannot be written leaves the old file") {
    scratch const directory;
    auto const path = directory / "net.safetensors";
    float const values[]{1.0f, 2.0f};
    std::vector<ls::tensor_entry> entries{ls::make_entry<float>("w", {2}, values)};
    ls::write_safetensors(path, {}, entries);
    auto const write = [&](std::map<std::string, std::string> const& metadata = {}) {
        ls::write_safetensors(path, metadata, entries);
    };
    entries[0].shape = {3};
    CHECK_THROWS_AS(write(), ls::usage_error);
    entries[0].shape = {2};
    for (auto const* name : {"__metadata__", "\xff"}) {
        entries[0].name = name;
        CHECK_THROWS_AS(write(), ls::usage_error);
    }
    entries[0].name = "w";
    CHECK_THROWS_AS(write({{"note", "\xc3"}}), ls::usage_error);
    entries.push_back(entries[0]);
    CHECK_THROWS_AS(write(), ls::usage_error);
    CHECK_THROWS_AS(ls::write_safetensors(directory / "missing/net", {}, {}), ls::data_error);
    CHECK(ls::safetensors_file::read(path).as<float>("w")[1] == 2.0f);
}
