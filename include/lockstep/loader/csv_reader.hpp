// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep::detail {

/// A field of a CSV file without its quotes, and where it stands: line and byte of the line, from 1.
struct csv_field {
    std::string text;
    std::int64_t line = 1;
    std::int64_t column = 1;
};

/// The error at a place of a file: "iris.csv:3:17: expected a number, found 'abc'".
inline data_error csv_error(std::filesystem::path const& file, csv_field const& at, std::string const& what) {
    return data_error{file.string() + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + what};
}

/// Cuts the text of a CSV file into rows of fields (RFC 4180): quoted fields may contain separators, line ends and
/// doubled quotes. Lines end with LF or CR LF; those without a character are no rows.
class csv_reader {
public:
    csv_reader(std::string_view text, std::filesystem::path const& file, char separator)
        : text_(text), file_(file), separator_(separator) {
        constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
        if (text_.starts_with(byte_order_mark)) text_.remove_prefix(byte_order_mark.size());
    }

    /// Reads the next row; false at the end of the file. Throws data_error for characters behind a closing quote, and
    /// is then at the next line; and for a quote that is not closed, and is then at the end.
    bool next(std::vector<csv_field>& row) {
        while (accept_line_end()) {}
        if (text_.empty()) return false;
        std::size_t fields = 0;
        do {
            if (fields == row.size()) row.emplace_back();
            read(row[fields++]);
        } while (accept_separator());
        row.resize(fields);
        accept_line_end();
        return true;
    }

    /// Whether a quote that is not closed has taken the rest of the file.
    bool unclosed() const { return unclosed_; }

private:
    void read(csv_field& field) {
        field.text.clear();
        field.line = line_;
        field.column = column_;
        if (!text_.starts_with('"')) {
            std::size_t size = 0;
            auto const ends = [this](std::size_t at) {
                char const c = text_[at];
                return c == separator_ || c == '\n' || (c == '\r' && is_line_end(text_.substr(at)));
            };
            while (size < text_.size() && !ends(size)) ++size;
            field.text.assign(text_, 0, size);
            text_.remove_prefix(size);
            column_ += static_cast<std::int64_t>(size);
            return;
        }
        skip();
        for (;;) {
            if (text_.empty()) {
                unclosed_ = true;
                throw csv_error(file_, field, "expected a closing quote, found the end of the file");
            }
            bool const is_quote = text_.front() == '"';
            if (is_quote && !text_.starts_with("\"\"")) break;
            if (is_quote) skip(); // the first of two, which mean one
            take(field.text);
        }
        skip();
        if (text_.empty() || text_.front() == separator_ || at_line_end()) return;
        csv_field const behind{{}, line_, column_};
        std::string const found{text_.front()};
        while (!text_.empty() && !accept_line_end()) skip();
        throw csv_error(file_, behind, "expected a separator behind the closing quote, found '" + found + "'");
    }

    static bool is_line_end(std::string_view at) { return at.starts_with('\n') || at.starts_with("\r\n"); }
    bool at_line_end() const { return is_line_end(text_); }
    bool accept_line_end() {
        if (!at_line_end()) return false;
        if (text_.front() == '\r') skip();
        skip();
        return true;
    }
    bool accept_separator() {
        if (!text_.starts_with(separator_)) return false;
        skip();
        return true;
    }
    void take(std::string& into) {
        into += text_.front();
        skip();
    }
    void skip() {
        bool const line_ends = text_.front() == '\n';
        line_ += line_ends;
        column_ = line_ends ? 1 : column_ + 1;
        text_.remove_prefix(1);
    }

    std::string_view text_; // what is still to be read
    std::filesystem::path const& file_;
    char separator_;
    std::int64_t line_ = 1;
    std::int64_t column_ = 1;
    bool unclosed_ = false;
};

} // namespace lockstep::detail
