// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/plan/json_text.hpp>
#include <lockstep/plan/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The JSON header of a .safetensors file, and nothing else of JSON:
//
//     {"__metadata__": {NAME: TEXT, ...},
//      NAME: {"dtype": TEXT, "shape": [N, ...], "data_offsets": [N, N]}, ...}
//
// A JSON library would be a dependency of everybody who saves a model; this grammar has two levels, strings
// and whole numbers. Its reader is strict: what the format's reference reader refuses, it refuses too, and
// unknown fields besides.

namespace lockstep {

/// The element types that a .safetensors file of ours can hold.
enum class element_kind { f32, f64, i64 };

/// The name of the type in the file.
constexpr std::string_view to_string(element_kind kind) {
    constexpr std::array<std::string_view, 3> names{"F32", "F64", "I64"};
    return names[static_cast<std::size_t>(kind)];
}

/// Bytes of one element.
constexpr std::int64_t bytes_of(element_kind kind) { return kind == element_kind::f32 ? 4 : 8; }

namespace detail {

/// The reference implementation refuses larger headers too.
inline constexpr std::uint64_t safetensors_largest_header = 100'000'000;

/// Names and where what they name stands in a list.
using name_index = std::map<std::string, std::size_t, std::less<>>;

/// A tensor as the header describes it: its bytes are [begin, end) of the data.
struct header_tensor {
    std::string name;
    element_kind kind = element_kind::f32;
    std::vector<std::int64_t> shape;
    std::int64_t begin = 0, end = 0;
};

struct safetensors_header {
    std::map<std::string, std::string> metadata;
    std::vector<header_tensor> tensors;
};

/// Bytes of a tensor; -1 where they exceed 64 bits or an extent is negative.
constexpr std::int64_t tensor_bytes(element_kind kind, std::vector<std::int64_t> const& shape) {
    std::int64_t bytes = bytes_of(kind);
    for (auto const extent : shape) {
        if (extent < 0 || (extent > 0 && bytes > std::numeric_limits<std::int64_t>::max() / extent)) return -1;
        bytes *= extent;
    }
    return bytes;
}

/// Reads the header by recursive descent. Errors are data_error with the file, the byte of the header, what was
/// expected and what stands there.
class safetensors_header_reader {
public:
    safetensors_header_reader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    safetensors_header read() {
        if (text_.empty() || text_.front() != '{') wrong("'{'");
        fields([this](std::string name) {
            if (name != "__metadata__") return tensor(std::move(name));
            fields([this](std::string const& key) { result_.metadata[key] = string(); });
        });
        skip_space();
        if (position_ != text_.size()) wrong("the end of the header");
        return std::move(result_);
    }

private:
    /// {"NAME": value, ...}, calling value(NAME) where a value stands. No name comes twice.
    template <class Value>
    void fields(Value value) {
        name_index names;
        expect('{');
        if (accept('}')) return;
        do {
            skip_space();
            auto const at = position_;
            auto name = string();
            if (!names.try_emplace(name).second) {
                position_ = at;
                wrong("a name that is not taken yet", '"' + name + '"');
            }
            expect(':');
            value(std::move(name));
        } while (accept(','));
        expect('}', "',' or '}'");
    }

    void tensor(std::string name) {
        header_tensor entry;
        entry.name = std::move(name);
        bool has_kind = false, has_shape = false, has_offsets = false;
        fields([&](std::string const& field) {
            if (field == "dtype") entry.kind = kind(), has_kind = true;
            else if (field == "shape") entry.shape = numbers(), has_shape = true;
            else if (field == "data_offsets") offsets(entry), has_offsets = true;
            else wrong("dtype, shape or data_offsets", '"' + field + '"');
        });
        if (!has_kind || !has_shape || !has_offsets)
            wrong("dtype, shape and data_offsets of tensor '" + entry.name + "'", "less");
        result_.tensors.push_back(std::move(entry));
    }

    element_kind kind() {
        skip_space();
        auto const at = position_;
        auto const found = string();
        for (auto const known : {element_kind::f32, element_kind::f64, element_kind::i64})
            if (found == to_string(known)) return known;
        position_ = at;
        wrong("dtype F32, F64 or I64", '"' + found + '"');
    }

    void offsets(header_tensor& entry) {
        skip_space();
        auto const at = position_;
        auto const found = numbers();
        if (found.size() == 2 && found[0] <= found[1]) {
            entry.begin = found[0];
            entry.end = found[1];
            return;
        }
        auto const end_of_list = position_;
        position_ = at;
        wrong("two offsets, the first not past the second", text_.substr(at, end_of_list - at));
    }

    std::vector<std::int64_t> numbers() {
        std::vector<std::int64_t> result;
        expect('[');
        if (accept(']')) return result;
        do result.push_back(number());
        while (accept(','));
        expect(']', "',' or ']'");
        return result;
    }

    /// A whole number without sign, leading zeros, fraction or exponent that fits into 63 bits.
    std::int64_t number() {
        constexpr auto largest = std::numeric_limits<std::int64_t>::max();
        skip_space();
        auto const at = position_;
        std::int64_t value = 0;
        for (; position_ < text_.size() && is_digit(text_[position_]); ++position_) {
            int const digit = text_[position_] - '0';
            if (value > (largest - digit) / 10) {
                position_ = at;
                wrong("a number below 2^63", "a larger one");
            }
            value = value * 10 + digit;
        }
        if (position_ == at) wrong("a whole number");
        if (text_[at] == '0' && position_ > at + 1) {
            position_ = at;
            wrong("a number without leading zeros");
        }
        return value;
    }

    std::string string() {
        expect('"');
        std::string result;
        for (;;) {
            if (position_ == text_.size()) wrong("'\"'");
            char const c = text_[position_];
            if (c == '"') return ++position_, result;
            if (c == '\\') {
                ++position_;
                append_utf8(result, escaped());
                continue;
            }
            auto const size = utf8_size(text_.substr(position_));
            if (size == 0 || static_cast<unsigned char>(c) < 0x20) wrong("a character of a string in UTF-8");
            result += text_.substr(position_, size);
            position_ += size;
        }
    }

    /// The code point behind a backslash.
    unsigned escaped() {
        constexpr std::string_view letters = "\"\\/bfnrtu", codes = "\"\\/\b\f\n\r\t";
        auto const letter = position_ < text_.size() ? letters.find(text_[position_]) : letters.npos;
        if (letter == letters.npos) wrong("an escape sequence");
        ++position_;
        if (letter < codes.size()) return static_cast<unsigned char>(codes[letter]);
        unsigned const first = four_digits();
        if (first < 0xd800 || first > 0xdfff) return first;
        if (first < 0xdc00 && text_.substr(position_, 2) == "\\u") {
            position_ += 2;
            unsigned const second = four_digits();
            if (second >= 0xdc00 && second <= 0xdfff)
                return 0x10000 + (first - 0xd800) * 0x400 + (second - 0xdc00);
        }
        wrong("a pair of surrogates", "half of one");
    }

    unsigned four_digits() {
        unsigned value = 0;
        for (int i = 0; i < 4; ++i, ++position_) {
            constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
            auto const digit = position_ < text_.size() ? digits.find(text_[position_]) : digits.npos;
            if (digit == digits.npos) wrong("four hexadecimal digits");
            value = value * 16 + digit % 16;
        }
        return value;
    }

    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    void skip_space() {
        constexpr std::string_view space = " \t\n\r";
        while (position_ < text_.size() && space.find(text_[position_]) != space.npos) ++position_;
    }
    bool accept(char wanted) {
        skip_space();
        bool const found = position_ < text_.size() && text_[position_] == wanted;
        position_ += found;
        return found;
    }
    void expect(char wanted, std::string const& called = {}) {
        if (!accept(wanted)) wrong(called.empty() ? std::string{'\'', wanted, '\''} : called);
    }

    [[noreturn]] void wrong(std::string const& expected) const {
        if (position_ >= text_.size()) wrong(expected, "the end of the header");
        auto const size = utf8_size(text_.substr(position_));
        bool const printable = size > 0 && static_cast<unsigned char>(text_[position_]) >= 0x20;
        wrong(expected, printable ? "'" + std::string(text_.substr(position_, size)) + "'"
                                  : "byte " + std::to_string(static_cast<unsigned char>(text_[position_])));
    }
    [[noreturn]] void wrong(std::string const& expected, std::string_view found) const {
        std::string const shown(found.substr(0, 60));
        throw data_error("'" + std::string(file_) + "', byte " + std::to_string(position_) +
                         " of the header: expected " + expected + ", found " + shown +
                         (shown.size() < found.size() ? "..." : ""));
    }

    std::string_view text_;
    std::string_view file_;
    std::size_t position_ = 0;
    safetensors_header result_;
};

/// The header's text, padded with spaces to a multiple of 8 bytes.
inline std::string to_json(safetensors_header const& header) {
    std::string json = "{";
    auto open = [&, first = true](std::string_view name) mutable {
        if (!std::exchange(first, false)) json += ',';
        append_json(json, name);
        json += ":{";
    };
    if (!header.metadata.empty()) {
        open("__metadata__");
        for (char const* separator = ""; auto const& [key, value] : header.metadata) {
            json += std::exchange(separator, ",");
            append_json(json, key);
            json += ':';
            append_json(json, value);
        }
        json += '}';
    }
    for (auto const& tensor : header.tensors) {
        open(tensor.name);
        (json += "\"dtype\":\"") += to_string(tensor.kind);
        json += "\",\"shape\":[";
        for (char const* separator = ""; auto const extent : tensor.shape)
            (json += std::exchange(separator, ",")) += std::to_string(extent);
        json += "],\"data_offsets\":[" + std::to_string(tensor.begin) + ',' + std::to_string(tensor.end) + "]}";
    }
    json += '}';
    json.resize((json.size() + 7) / 8 * 8, ' ');
    return json;
}

} // namespace detail
} // namespace lockstep
