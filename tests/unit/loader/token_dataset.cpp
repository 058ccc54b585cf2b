// SPDX-License-Identifier: MIT
#include "idx_file.hpp"

#include <lockstep/loader/concat.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/token_dataset.hpp>

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace lockstep;
using namespace lockstep::testing;

static_assert(dataset<token_dataset<50257, 1024>>);

namespace {

/// Tokens as they lie in a file, `width` bytes each, the lowest first.
bytes token_bytes(std::vector<std::int32_t> const& tokens, int width) {
    bytes file;
    for (auto const token : tokens)
        for (int i = 0; i < width; ++i) file.push_back(static_cast<unsigned char>(token >> 8 * i));
    return file;
}

std::vector<std::int32_t> counted(std::int32_t count) {
    std::vector<std::int32_t> tokens;
    for (std::int32_t i = 0; i < count; ++i) tokens.push_back(i * 3 % 1000);
    return tokens;
}

template <int Positions>
using tokens_of = token_dataset<1000, Positions>;

} // namespace

TEST_CASE("windows of tokens have the tokens behind them as targets") {
    temporary_directory const directory;
    auto const path = write(directory / "text", token_bytes(counted(10), 2));
    tokens_of<4> const data{path};
    CHECK(data.tokens() == 10);
    CHECK(data.size() == 2); // tokens 0 to 4 and 4 to 8: token 9 has no window
    std::array<std::int32_t, 4> input{}, targets{};
    data.read(1, input, targets);
    CHECK(input == std::array{12, 15, 18, 21});
    CHECK(targets == std::array{15, 18, 21, 24});
    CHECK(tokens_of<4>{write(directory / "text", token_bytes(counted(9), 2))}.size() == 2);
    CHECK(tokens_of<4>{write(directory / "text", token_bytes(counted(8), 2))}.size() == 1);
}

TEST_CASE("a stride lets windows overlap or leave tokens out") {
    temporary_directory const directory;
    auto const path = write(directory / "text", token_bytes(counted(10), 2));
    std::array<std::int32_t, 4> input{}, targets{};
    tokens_of<4> const every{path, token_type::uint16, 1};
    CHECK(every.size() == 6);
    every.read(5, input, targets);
    CHECK(targets == std::array{18, 21, 24, 27});
    tokens_of<4> const some{path, token_type::uint16, 5};
    CHECK(some.size() == 2);
    some.read(1, input, targets);
    CHECK(input == std::array{15, 18, 21, 24});
    CHECK(message_of<usage_error>([&] { tokens_of<4>{path, token_type::uint16, 0}; }) ==
          "token_dataset: expected a stride of at least 1, found 0");
}

TEST_CASE("tokens are stored as bytes, 16 or 32 bits") {
    temporary_directory const directory;
    std::array<std::int32_t, 2> input{}, targets{};
    token_dataset<256, 2> const text{write(directory / "8", {'a', 'b', 0xff}), token_type::uint8};
    text.read(0, input, targets);
    CHECK(targets == std::array{98, 255});
    tokens_of<2> const wide{write(directory / "32", token_bytes({999, 0, 256}, 4)), token_type::int32};
    wide.read(0, input, targets);
    CHECK(input == std::array{999, 0});
    CHECK(targets == std::array{0, 256});
}

TEST_CASE("long windows are read to their last token, by several threads") {
    temporary_directory const directory;
    auto const tokens = counted(30'000);
    auto loader = tokens_of<9000>{write(directory / "text", token_bytes(tokens, 2)), token_type::uint16, 5000} |
                  batch<2> | workers(2);
    std::int64_t windows = 0;
    for (auto const& batch : loader)
        for (std::int64_t i = 0; i < batch.count(); ++i, ++windows)
            for (std::int64_t k = 0; k < 9000; ++k) {
                REQUIRE(batch.inputs[i][static_cast<std::size_t>(k)] ==
                        tokens[static_cast<std::size_t>(windows * 5000 + k)]);
                REQUIRE(batch.targets[static_cast<std::size_t>(i * 9000 + k)] ==
                        tokens[static_cast<std::size_t>(windows * 5000 + k + 1)]);
            }
    CHECK(windows == 5);
}

TEST_CASE("no window of a list of files goes from one into the next") {
    temporary_directory const directory;
    auto const all = concat(std::vector{tokens_of<4>{write(directory / "1", token_bytes(counted(7), 2))},
                                        tokens_of<4>{write(directory / "2", token_bytes({9, 8, 7, 6, 5}, 2))}});
    CHECK(all.size() == 2);
    std::array<std::int32_t, 4> input{}, targets{};
    all.read(1, input, targets);
    CHECK(targets == std::array{8, 7, 6, 5});
}

TEST_CASE("token_dataset refuses files that are not of its tokens") {
    temporary_directory const directory;
    auto const path = directory / "text";
    auto const refusal = [&](bytes const& content, token_type stored = token_type::uint16) {
        write(path, content);
        return message_of<data_error>([&] {
            std::array<std::int32_t, 4> input{}, targets{};
            tokens_of<4>{path, stored}.read(0, input, targets);
        });
    };
    CHECK(refusal(bytes(11)) == path.string() + ": no file of whole tokens: expected a multiple of 2 bytes, found 11");
    CHECK(refusal(bytes(8)) == path.string() + ": too few tokens: expected at least 5, found 4");
    CHECK(refusal({}) == path.string() + ": too few tokens: expected at least 5, found 0");
    CHECK(refusal(token_bytes({1, 2, 3, 4, 1000}, 2)) ==
          path.string() + ": token out of range: expected 0 to 999, found 1000 at token 4");
    CHECK(contains(refusal(token_bytes({1, -2, 3, 4, 5}, 4), token_type::int32), "found -2 at token 1"));
}
