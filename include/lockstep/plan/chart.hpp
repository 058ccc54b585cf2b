// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

// What any chart needs: numbers as text, axes with round ticks, text that is safe in XML. std::to_chars writes
// a decimal point in every locale, printf does not.

namespace lockstep::detail {

/// Whether a value can be drawn: neither NaN nor so large that a difference of two overflows.
inline bool drawable(double value) { return std::isfinite(value) && std::abs(value) < 1e300; }

inline std::string formatted(double value, std::chars_format format, int precision) {
    char text[400]; // 310 digits before the point and those behind it
    auto const result = std::to_chars(text, text + sizeof text, value, format, precision);
    return {text, result.ptr};
}

/// "0.254", with so many decimals; very large and very small values as "1.5e+09".
inline std::string decimal(double value, int decimals) {
    if (decimals > 4) return formatted(value, std::chars_format::general, 3);
    if (std::abs(value) >= 1e6) return formatted(value, std::chars_format::scientific, 1);
    auto text = formatted(value, std::chars_format::fixed, decimals);
    return text.find_first_not_of("-0.") == text.npos && text.front() == '-' ? text.substr(1) : text;
}

/// A loss: three decimals, or two digits where these would be zeros.
inline std::string loss_text(double value) {
    bool const tiny = value != 0 && std::abs(value) < 0.01;
    return tiny ? formatted(value, std::chars_format::general, 2) : decimal(value, 3);
}

/// Text between tags or in an attribute. What XML 1.0 does not allow is left out or, where it is not UTF-8,
/// replaced.
inline std::string xml(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        auto const size = utf8_size(text);
        auto const character = text.substr(0, std::max<std::size_t>(1, size));
        text.remove_prefix(character.size());
        if (size == 0) result += "\xef\xbf\xbd";
        else if (character == "&") result += "&amp;";
        else if (character == "<") result += "&lt;";
        else if (character == ">") result += "&gt;";
        else if (character == "\"") result += "&quot;";
        else if (character == "\n" || character == "\t") result += ' ';
        else if (static_cast<unsigned char>(character[0]) >= 0x20 && character != "\xef\xbf\xbe" &&
                 character != "\xef\xbf\xbf")
            result += character;
    }
    return result;
}

/// The smallest of 1, 2, 5, 10, ... (times a power of ten) that is not below the value.
inline double round_step(double value) {
    double const power = std::pow(10.0, std::floor(std::log10(value)));
    for (double const factor : {1.0, 2.0, 5.0})
        if (factor * power >= value * (1 - 1e-9)) return factor * power;
    return 10 * power;
}

/// A stretch of values on a stretch of the picture, with ticks at round values.
struct axis {
    double low, high;   // values at the ends
    double start, stop; // where these lie in the picture
    double step = 1;    // between two ticks

    double operator()(double value) const { return start + (value - low) / (high - low) * (stop - start); }

    std::vector<double> ticks() const {
        std::vector<double> result;
        double const first = std::ceil(low / step - 1e-6);
        // Counted, so that 0.1 + 0.1 + 0.1 is the tick 0.3; values as good as equal give no endless list.
        for (int i = 0; i < 20 && (first + i) * step <= high + 1e-6 * step; ++i)
            result.push_back((first + i) * step);
        return result;
    }

    /// Decimals that a tick needs when it is written `scale` times as large.
    int decimals(double scale = 1) const {
        return std::clamp(static_cast<int>(-std::floor(std::log10(step * scale) + 1e-9)), 0, 12);
    }
};

/// The axis of values low to high, widened to round ticks, about `count` of them.
inline axis round_axis(double low, double high, int count, double start, double stop) {
    // Equal values get some room, and one that a double can tell from them.
    if (double const room = std::max(1e-9, 1e-3 * std::max(std::abs(low), std::abs(high))); high - low < room) {
        low -= room;
        high += room;
    }
    double const step = round_step((high - low) / count);
    return {std::floor(low / step + 1e-6) * step, std::ceil(high / step - 1e-6) * step, start, stop, step};
}

} // namespace lockstep::detail
