// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace lockstep::detail {

/// Appends a JSON string (RFC 8259), escaped as Python's json module does.
inline void append_json(std::string& json, std::string_view text) {
    constexpr std::string_view codes = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt", digits = "0123456789abcdef";
    json += '"';
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (auto const code = codes.find(c); code != codes.npos) (json += '\\') += letters[code];
        else if (byte < 0x20) ((json += "\\u00") += digits[byte / 16]) += digits[byte % 16];
        else json += c;
    }
    json += '"';
}

/// A text as a JSON string.
inline std::string in_json(std::string_view text) {
    std::string json;
    append_json(json, text);
    return json;
}

} // namespace lockstep::detail
