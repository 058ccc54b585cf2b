// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/random_access_file.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

namespace lockstep {

/// What a file of tokens consists of; numbers of several bytes are little-endian. A text is a file of uint8 tokens.
enum class token_type { uint8, uint16, int32 };

/// Windows of a file of tokens, for models that predict what follows: a sample is Positions tokens, its targets are the
/// tokens behind each, so window i has the tokens from i * stride on. What does not fill a window at the end is left
/// out. Windows are read from the file as they are asked for; of many files, concat(list) makes one dataset, in which
/// no window goes from one file into the next.
///
///     token_dataset<50257, 1024> text{"openwebtext.bin", token_type::uint16};
template <int Vocabulary, int Positions>
class token_dataset {
public:
    using sample_shape = class_indices<Vocabulary, Positions>;
    using target_shape = shape<Positions>;

    /// Throws data_error for a file that is missing, not of whole tokens or shorter than a window, usage_error for a
    /// stride below 1.
    explicit token_dataset(std::filesystem::path path, token_type stored = token_type::uint16,
                           std::int64_t stride = Positions)
        : token_dataset(detail::random_access_file{std::move(path)}, stored, stride) {}

    token_dataset(detail::random_access_file file, token_type stored, std::int64_t stride = Positions)
        : file_(std::move(file)), stored_(stored), stride_(stride) {
        if (stride < 1)
            throw usage_error{"token_dataset: expected a stride of at least 1, found " + std::to_string(stride)};
        auto const width = bytes_of(stored);
        if (file_.size() % width != 0)
            throw detail::file_error(file_.path(), "no file of whole tokens",
                                     "a multiple of " + std::to_string(width) + " bytes", std::to_string(file_.size()));
        tokens_ = file_.size() / width;
        if (tokens_ < window)
            throw detail::file_error(file_.path(), "too few tokens", "at least " + std::to_string(window),
                                     std::to_string(tokens_));
    }

    std::int64_t size() const { return (tokens_ - window) / stride_ + 1; }
    /// Tokens in the file.
    std::int64_t tokens() const { return tokens_; }

    /// Throws data_error for a token that is none of 0 to Vocabulary - 1.
    void read(std::int64_t index, std::span<std::int32_t> input, std::span<std::int32_t> targets) const {
        switch (stored_) {
        case token_type::uint8:
            return read_as<std::uint8_t>(index, input, targets);
        case token_type::uint16:
            return read_as<std::uint16_t>(index, input, targets);
        case token_type::int32:
            return read_as<std::int32_t>(index, input, targets);
        }
    }

private:
    static_assert(std::endian::native == std::endian::little, "tokens are read as they lie in memory");
    static constexpr std::int64_t window = std::int64_t{Positions} + 1;

    static constexpr std::int64_t bytes_of(token_type stored) {
        return stored == token_type::uint8 ? 1 : stored == token_type::uint16 ? 2 : 4;
    }

    template <class Stored>
    void read_as(std::int64_t index, std::span<std::int32_t> input, std::span<std::int32_t> targets) const {
        // In pieces on the stack: a window costs no allocation.
        std::array<Stored, 8192 / sizeof(Stored)> piece;
        for (std::int64_t done = 0; done < window;) {
            auto const first = index * stride_ + done;
            auto const tokens = std::span{piece}.first(
                static_cast<std::size_t>(std::min<std::int64_t>(window - done, std::ssize(piece))));
            file_.read(first * std::int64_t{sizeof(Stored)},
                       {reinterpret_cast<unsigned char*>(tokens.data()), tokens.size_bytes()});
            for (std::size_t i = 0; i < tokens.size(); ++i, ++done) {
                std::int32_t const token = tokens[i];
                if (token < 0 || token >= Vocabulary)
                    throw detail::file_error(
                        file_.path(), "token out of range", "0 to " + std::to_string(Vocabulary - 1),
                        std::to_string(token) + " at token " + std::to_string(first + static_cast<std::int64_t>(i)));
                if (done < Positions) input[static_cast<std::size_t>(done)] = token;
                if (done > 0) targets[static_cast<std::size_t>(done - 1)] = token;
            }
        }
    }

    detail::random_access_file file_;
    token_type stored_;
    std::int64_t stride_;
    std::int64_t tokens_ = 0;
};

} // namespace lockstep
