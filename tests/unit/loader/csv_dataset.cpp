// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/csv_dataset.hpp>
#include <lockstep/loader/pipeline.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string_view>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<csv_dataset<shape<4>>> && dataset<csv_dataset<shape<2>, shape<3>, float>>);
static_assert(dataset<csv_dataset<class_indices<9, 4>, shape<4>>>);

namespace {

bytes as_bytes(std::string_view text) { return {text.begin(), text.end()}; }

/// The rows of a text, cut into fields.
std::vector<std::vector<std::string>> rows(std::string_view text, char separator = ',') {
    std::filesystem::path const path = "a.csv";
    detail::csv_reader reader{text, path, separator};
    std::vector<std::vector<std::string>> result;
    std::vector<detail::csv_field> row;
    while (reader.next(row)) {
        result.emplace_back();
        for (auto const& field : row) result.back().push_back(field.text);
    }
    return result;
}

using table = std::vector<std::vector<std::string>>;

/// A dataset of the text.
template <class Data>
Data opened(std::string_view text, csv_schema const& schema) {
    return Data{detail::input_file{"a.csv", as_bytes(text)}, schema};
}

template <class Data>
std::string refusal(std::string_view text, csv_schema const& schema) {
    return message_of<data_error>([&] { opened<Data>(text, schema); });
}

using two_to_class = csv_dataset<shape<2>>;

} // namespace

TEST_CASE("CSV is cut into rows and fields") {
    CHECK(rows("") == table{});
    CHECK(rows("a,b\n1,2\n") == table{{"a", "b"}, {"1", "2"}});
    CHECK(rows("a,b\r\n\r\n1,2") == table{{"a", "b"}, {"1", "2"}});
    CHECK(rows(",\n") == table{{"", ""}});
    CHECK(rows("a,") == table{{"a", ""}});
    CHECK(rows("a\rb,c\r") == table{{"a\rb", "c\r"}});
    CHECK(rows("a;b,c", ';') == table{{"a", "b,c"}});
    CHECK(rows("\xef\xbb\xbf"
               "a,b") == table{{"a", "b"}});
    CHECK(rows("\"a\",\"b,\nc\",\"say \"\"yes\"\"\",\"\",\"\"\"\"\n1") ==
          table{{"a", "b,\nc", "say \"yes\"", "", "\""}, {"1"}});
    CHECK(rows("5\" disk,1") == table{{"5\" disk", "1"}});
    CHECK(rows("a\rb") == table{{"a\rb"}}); // a line does not end with CR alone
}

TEST_CASE("quotes that don't fit are errors at their place") {
    CHECK(message_of<data_error>([] { rows("a\nb,\"c\nd"); }) ==
          "a.csv:2:3: expected a closing quote, found the end of the file");
    CHECK(message_of<data_error>([] { rows("\"a\"b,c"); }) ==
          "a.csv:1:4: expected a separator behind the closing quote, found 'b'");
    CHECK(message_of<data_error>([] { rows("\"a\nb\"\"\""); }) == "");
    CHECK(contains(message_of<data_error>([] { rows("\"a\nb\"\""); }), "a.csv:1:1: expected a closing quote"));
    CHECK(contains(message_of<data_error>([] { rows("\"a\nb\" ,1"); }), "a.csv:2:3: "));
}

TEST_CASE("columns are chosen by name or by number") {
    constexpr std::string_view text = "id,height,kind,width\n7,1.5,2,-3e2\n8, 2 ,\"0\",+4\n";
    auto const check = [](auto const& data) {
        REQUIRE(data.size() == 2);
        std::array<float, 2> input{};
        CHECK(data.read(0, input) == 2);
        CHECK(input == std::array{-300.0F, 1.5F});
        CHECK(data.read(1, input) == 0);
        CHECK(input == std::array{4.0F, 2.0F});
        CHECK(data.skipped().empty());
    };
    check(opened<two_to_class>(text, {.inputs = {"width", "height"}, .targets = {"kind"}}));
    check(opened<two_to_class>(text, {.inputs = {3, 1}, .targets = {2}}));
    auto const without_header = text.substr(text.find('\n') + 1);
    check(opened<two_to_class>(without_header, {.inputs = {3, 1}, .targets = {2}, .header = false}));
}

TEST_CASE("all columns but the targets are inputs where none are named") {
    auto const data = opened<csv_dataset<shape<2>, shape<2>, float>>("a,b,c,d\n1,2,3,4\n", {.targets = {"d", "b"}});
    std::array<float, 2> input{}, targets{};
    data.read(0, input, targets);
    CHECK(input == std::array{1.0F, 3.0F});
    CHECK(targets == std::array{4.0F, 2.0F});

    auto const pixels = opened<csv_dataset<shape<1, 1, 2>>>(
        "3,10,20\n", {.inputs = csv_columns(1, 2), .targets = {0}, .header = false});
    CHECK(pixels.read(0, input) == 3);
    CHECK(input == std::array{10.0F, 20.0F});
}

TEST_CASE("names of classes become their places in the list") {
    auto const data = opened<two_to_class>("x,y,kind\n1,2,rose\n3,4,\"ox eye\"\n",
                                           {.targets = {"kind"}, .classes = {"daisy", "ox eye", "rose"}});
    std::array<float, 2> input{};
    CHECK(data.read(0, input) == 2);
    CHECK(data.read(1, input) == 1);
    CHECK(refusal<two_to_class>("x,y,kind\n1,2,tulip\n", {.targets = {"kind"}, .classes = {"daisy"}}) ==
          "a.csv:2:5: column 'kind': expected the name of a class, found 'tulip'");
}

TEST_CASE("columns that the file does not have are named") {
    CHECK(refusal<two_to_class>("a,b,c\n1,2,3\n", {.targets = {"d"}}) ==
          "a.csv: no such column: expected 'd' once, found a, b, c");
    CHECK(refusal<two_to_class>("a,b,a\n1,2,3\n", {.targets = {"a"}}) ==
          "a.csv: several columns of one name: expected 'a' once, found a, b, a");
    CHECK(refusal<two_to_class>("1,2,3\n", {.targets = {3}, .header = false}) ==
          "a.csv: no such column: expected 0 to 2, found 3");
    CHECK(contains(refusal<two_to_class>("1,2,3\n", {.targets = {"a"}, .header = false}), "found no header"));
    CHECK(refusal<two_to_class>("a,b,c,d\n", {.targets = {0}}) ==
          "a.csv: wrong number of columns as inputs: expected 2 for one of [count, 2], found 3");
    CHECK(contains(refusal<two_to_class>("a,b,c\n", {}), "wrong number of columns as inputs"));
    CHECK(contains(refusal<two_to_class>("a,b\n", {}), "wrong number of columns as targets: expected 1"));
    CHECK(refusal<two_to_class>("", {.targets = {0}}) == "a.csv: no rows: expected a header, found an empty file");
    CHECK(opened<two_to_class>("a,b,c\n", {.targets = {0}}).size() == 0);
}

TEST_CASE("a field that is no number is named with its place") {
    auto const refused = [](std::string_view row) {
        return refusal<two_to_class>("kind,x,y\n0,1,2\n" + std::string{row} + "\n", {.targets = {"kind"}});
    };
    CHECK(refused("0,1,abc") == "a.csv:3:5: column 'y': expected a number, found 'abc'");
    CHECK(refused("0,,1") == "a.csv:3:3: column 'x': expected a number, found an empty field");
    CHECK(refused("0,1.5x,1") == "a.csv:3:3: column 'x': expected a number, found '1.5x'");
    CHECK(refused("1.5,1,1") == "a.csv:3:1: column 'kind': expected an integer, found '1.5'");
    CHECK(contains(refused("99999999999,1,1"), "expected an integer from -2147483648 to 2147483647"));
    CHECK(contains(refused("0,1e99,1"), "expected a number within the range of a float, found '1e99'"));
    CHECK(contains(refused("0,nan,1"), "expected a number, found 'nan'"));
    CHECK(contains(refused("0,1,-inf"), "expected a number, found '-inf'"));
    CHECK(refused("0,1") == "a.csv:3:3: expected a row of 3 fields, found 2");
    CHECK(refused("0,1,2,3") == "a.csv:3:7: expected a row of 3 fields, found 4");
    CHECK(
        contains(refusal<two_to_class>("0,1,x\n", {.targets = {0}, .header = false}), "a.csv:1:5: column 2: expected"));
}

TEST_CASE("numbers too small for an element are the nearest ones that it has") {
    std::array<float, 2> input{};
    opened<two_to_class>("kind,x,y\n0,1e-50,-1e-40\n", {.targets = {"kind"}}).read(0, input);
    CHECK(input == std::array{0.0F, -1e-40F});
}

TEST_CASE("bad rows are left out and counted where that is asked for") {
    csv_schema const schema{.targets = {"kind"}, .skip_bad_rows = true};
    auto const data = opened<two_to_class>("kind,x,y\n0,1,2\n1,3,oops\n2,5\n\"3\"x,1\n4,7,8\n", schema);
    REQUIRE(data.size() == 2);
    std::array<float, 2> input{};
    CHECK(data.read(1, input) == 4);
    CHECK(input == std::array{7.0F, 8.0F});
    REQUIRE(data.skipped().size() == 3);
    CHECK(data.skipped()[0] == "a.csv:3:5: column 'y': expected a number, found 'oops'");
    CHECK(contains(data.skipped()[2], "a.csv:5:4: "));
    // Half a file is not a bad row.
    CHECK(contains(refusal<two_to_class>("kind,x,y\n0,1,\"2\n1,3,4\n", schema), "expected a closing quote"));
}

TEST_CASE("CSV files are read from the disk, gzip or not, and make batches") {
    temporary_directory const directory;
    std::string text;
    for (int i = 0; i < 100; ++i)
        text += std::to_string(i % 7) + "," + std::to_string(i) + "," + std::to_string(-i) + "\n";
    csv_schema const schema{.targets = {0}, .header = false};
    auto loader = two_to_class{write(directory / "plain.csv", as_bytes(text)), schema} | batch<8>;
    std::int64_t row = 0;
    for (auto const& batch : loader)
        for (std::int64_t i = 0; i < batch.count(); ++i, ++row) {
            CHECK(batch.inputs[i][1] == static_cast<float>(-row));
            CHECK(batch.targets[static_cast<std::size_t>(i)] == row % 7);
        }
    CHECK(row == 100);
#if LOCKSTEP_WITH_ZLIB
    CHECK(two_to_class{write(directory / "packed.csv", gzip(as_bytes(text))), schema}.size() == 100);
#endif
}
