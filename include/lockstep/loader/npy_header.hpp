// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/loader/file_error.hpp>
#include <lockstep/loader/random_access_file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace lockstep::detail {

/// The element types of NPY files that can be read.
enum class npy_type { u8, i8, u16, i16, u32, i32, u64, i64, f32, f64 };

/// What stands before the elements of an NPY file.
struct npy_header {
    npy_type type{};
    std::vector<std::int64_t> extents; // one at least
    std::int64_t data_offset = 0;      // where the elements begin
};

/// Calls with a value of the type that elements are stored as.
template <class Visitor>
decltype(auto) with_npy_type(npy_type type, Visitor visitor) {
    switch (type) {
    case npy_type::u8:
        return visitor(std::uint8_t{});
    case npy_type::i8:
        return visitor(std::int8_t{});
    case npy_type::u16:
        return visitor(std::uint16_t{});
    case npy_type::i16:
        return visitor(std::int16_t{});
    case npy_type::u32:
        return visitor(std::uint32_t{});
    case npy_type::i32:
        return visitor(std::int32_t{});
    case npy_type::u64:
        return visitor(std::uint64_t{});
    case npy_type::i64:
        return visitor(std::int64_t{});
    case npy_type::f32:
        return visitor(float{});
    default:
        return visitor(double{});
    }
}

/// The type that NumPy calls so; bool is a byte of 0 or 1.
inline std::optional<npy_type> npy_type_of(std::string_view name) {
    static_assert(std::endian::native == std::endian::little, "elements are read as they lie in memory");
    constexpr std::pair<std::string_view, npy_type> names[]{
        {"|u1", npy_type::u8},  {"|b1", npy_type::u8},  {"|i1", npy_type::i8},  {"<u2", npy_type::u16},
        {"<i2", npy_type::i16}, {"<u4", npy_type::u32}, {"<i4", npy_type::i32}, {"<u8", npy_type::u64},
        {"<i8", npy_type::i64}, {"<f4", npy_type::f32}, {"<f8", npy_type::f64}};
    for (auto const& [known, type] : names)
        if (known == name) return type;
    return std::nullopt;
}

/// Reads the text of a header, a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class npy_header_reader {
public:
    npy_header_reader(std::string_view text, std::filesystem::path const& file) : text_(text), file_(file) {}

    npy_header read() {
        npy_header header;
        bool has_type = false, has_order = false, has_shape = false;
        expect('{');
        while (!accept('}')) {
            auto const key = string();
            expect(':');
            if (key == "descr") header.type = type(), has_type = true;
            else if (key == "fortran_order") fortran_ = boolean(), has_order = true;
            else if (key == "shape") header.extents = extents(), has_shape = true;
            else wrong("'descr', 'fortran_order' or 'shape'", "'" + std::string{key.substr(0, 40)} + "'");
            if (accept('}')) break;
            expect(',');
        }
        if (!has_type || !has_order || !has_shape) wrong("'descr', 'fortran_order' and 'shape'", "less");
        if (header.extents.empty())
            throw file_error(file_, "a single number", "an array of one axis or more", "shape ()");
        if (fortran_ && header.extents.size() > 1)
            throw file_error(file_, "array in Fortran's order", "C's order (numpy.ascontiguousarray makes it)",
                             "'fortran_order': True");
        return header;
    }

private:
    npy_type type() {
        skip_space();
        if (position_ < text_.size() && text_[position_] != '\'' && text_[position_] != '"')
            throw unsupported("a list of fields");
        auto const name = string();
        if (auto const found = npy_type_of(name)) return *found;
        throw unsupported("'" + std::string{name.substr(0, 40)} + "'");
    }

    data_error unsupported(std::string const& found) const {
        return file_error(file_, "wrong element type",
                          "bool, integers, float32 or float64, little-endian (array.astype('<f4') makes it)", found);
    }

    bool boolean() {
        if (word("True")) return true;
        if (!word("False")) wrong("True or False");
        return false;
    }

    std::vector<std::int64_t> extents() {
        std::vector<std::int64_t> result;
        expect('(');
        while (!accept(')')) {
            skip_space();
            std::int64_t extent = 0;
            auto const* begin = text_.data() + position_;
            auto const [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
            if (error != std::errc{} || extent < 0) wrong("an extent");
            position_ += static_cast<std::size_t>(end - begin);
            word("L"); // Python 2 wrote long integers so
            result.push_back(extent);
            if (accept(')')) break;
            expect(',');
        }
        return result;
    }

    std::string_view string() {
        skip_space();
        char const quote = position_ < text_.size() ? text_[position_] : '\0';
        auto const end = quote == '\'' || quote == '"' ? text_.find(quote, position_ + 1) : text_.npos;
        if (end == text_.npos) wrong("a string");
        auto const result = text_.substr(position_ + 1, end - position_ - 1);
        position_ = end + 1;
        return result;
    }

    void skip_space() {
        constexpr std::string_view space = " \t\n";
        while (position_ < text_.size() && space.find(text_[position_]) != space.npos) ++position_;
    }
    bool word(std::string_view wanted) {
        skip_space();
        bool const found = text_.substr(position_).starts_with(wanted);
        if (found) position_ += wanted.size();
        return found;
    }
    bool accept(char wanted) { return word({&wanted, 1}); }
    void expect(char wanted) {
        if (!accept(wanted)) wrong(std::string{'\'', wanted, '\''});
    }

    [[noreturn]] void wrong(std::string const& expected) const {
        wrong(expected, position_ < text_.size()
                            ? "byte " + std::to_string(static_cast<unsigned char>(text_[position_])) + " at " +
                                  std::to_string(position_)
                            : "its end");
    }
    [[noreturn]] void wrong(std::string const& expected, std::string const& found) const {
        throw file_error(file_, "damaged NPY header", expected, found);
    }

    std::string_view text_;
    std::filesystem::path const& file_;
    std::size_t position_ = 0;
    bool fortran_ = false;
};

/// Reads what stands before the elements: the format of numpy/lib/format.py, versions 1.0, 2.0 and 3.0. Throws
/// data_error for what cannot be read, and for a file that is not as long as its header says.
inline npy_header read_npy_header(random_access_file const& file) {
    constexpr std::array<unsigned char, 6> magic{0x93, 'N', 'U', 'M', 'P', 'Y'};
    constexpr std::int64_t most_text = std::int64_t{1} << 20;
    auto const begin = file.read(0, std::min<std::int64_t>(file.size(), 12));
    if (begin.size() < magic.size() || !std::ranges::equal(magic, std::span{begin}.first(magic.size())))
        throw file_error(file.path(), "no NPY file", "the first bytes " + hex_text(magic), first_bytes_text(begin));
    if (begin.size() < 12)
        throw file_error(file.path(), "truncated NPY file", "a header", std::to_string(begin.size()) + " bytes");
    if (begin[6] < 1 || begin[6] > 3)
        throw file_error(file.path(), "unknown version of NPY", "1, 2 or 3", std::to_string(begin[6]));

    std::int64_t const length_bytes = begin[6] == 1 ? 2 : 4;
    std::int64_t length = 0;
    for (auto i = length_bytes; i > 0; --i) length = length * 256 + begin[static_cast<std::size_t>(7 + i)];
    auto const data_offset = 8 + length_bytes + length;
    if (length > most_text || data_offset > file.size())
        throw file_error(file.path(), "truncated NPY file", "a header of " + std::to_string(length) + " bytes",
                         std::to_string(file.size() - 8 - length_bytes));
    auto const text = file.read(8 + length_bytes, length);
    npy_header_reader reader{{reinterpret_cast<char const*>(text.data()), text.size()}, file.path()};
    auto header = reader.read();
    header.data_offset = data_offset;

    auto const element_bytes = with_npy_type(header.type, [](auto value) { return std::int64_t{sizeof(value)}; });
    auto bytes = element_bytes;
    for (auto const extent : header.extents) {
        if (extent == 0) continue; // what the others multiply to still has to be a number
        if (bytes > (std::numeric_limits<std::int64_t>::max() - data_offset) / extent)
            throw file_error(file.path(), "impossible shape", "fewer elements", extents_text(header.extents));
        bytes *= extent;
    }
    if (std::ranges::find(header.extents, 0) != header.extents.end()) bytes = 0;
    if (data_offset + bytes != file.size())
        throw file_error(file.path(), data_offset + bytes > file.size() ? "truncated NPY file" : "trailing bytes",
                         std::to_string(data_offset + bytes) + " bytes for the shape " + extents_text(header.extents),
                         std::to_string(file.size()));
    return header;
}

} // namespace lockstep::detail
