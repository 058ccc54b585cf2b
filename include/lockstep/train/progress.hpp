// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

namespace lockstep {

struct progress_options {
    /// What is going on: "epoch 1/3".
    std::string label = {};
    /// How many there are to do; 0 where nobody knows.
    std::int64_t total = 0;
    /// What is counted.
    std::string unit = "images";
    /// Write nothing at all.
    bool quiet = false;
};

namespace detail {

/// Seconds of a clock that never goes back.
inline double steady_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// "38,400"
inline std::string grouped(std::int64_t count) {
    auto text = std::to_string(count);
    for (auto at = static_cast<std::int64_t>(text.size()) - 3; at > 0 && text[at - 1] != '-'; at -= 3)
        text.insert(static_cast<std::size_t>(at), 1, ',');
    return text;
}

/// "3.4", with one digit behind the point whatever the locale.
inline std::string one_decimal(double value) {
    auto const tenths = static_cast<std::int64_t>(value * 10 + 0.5);
    return grouped(tenths / 10) + '.' + std::to_string(tenths % 10);
}

/// "0:09", "12:30" or "1:02:03"
inline std::string minutes(double seconds) {
    auto const whole = static_cast<std::int64_t>(std::min(seconds, 3.5e6) + 0.5); // at most 40 days
    auto const two = [](std::int64_t value) {
        return std::string{static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
    };
    auto const hours = whole / 3600;
    auto const rest = whole / 60 % 60;
    return (hours > 0 ? std::to_string(hours) + ':' + two(rest) : std::to_string(rest)) + ':' + two(whole % 60);
}

/// Columns that a terminal needs for a text in UTF-8 (wide and combining characters are counted as one).
inline int columns_of(std::string_view text) {
    return static_cast<int>(
        std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

/// Columns of the terminal behind a file, 0 where there is none (or one that cannot move its cursor).
inline int terminal_columns(std::FILE* file) {
    auto const* const terminal = std::getenv("TERM");
    if (!::isatty(::fileno(file)) || !terminal || std::string_view(terminal) == "dumb") return 0;
    winsize size{};
    if (::ioctl(::fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    auto const* const columns = std::getenv("COLUMNS");
    int const given = columns ? std::atoi(columns) : 0;
    return given > 0 ? given : 80;
}

/// Whether the user's locale writes UTF-8.
inline bool locale_is_utf8() {
    for (auto const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (auto const* const value = std::getenv(name); value && *value) {
            std::string_view const locale = value;
            return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
        }
    return false;
}

/// A bar of `columns` characters of which the fraction `done` is filled.
inline std::string bar(double done, int columns, bool utf8) {
    auto const halves = static_cast<int>(done * 2 * columns);
    std::string text;
    for (int i = 0; i < columns; ++i) {
        if (2 * i + 2 <= halves) text += utf8 ? "━" : "=";
        else if (2 * i + 1 == halves) text += utf8 ? "╸" : ">";
        else text += utf8 ? "─" : "-";
    }
    return text;
}

} // namespace detail

/// Shows how far an epoch is. On a terminal one line with a bar, redrawn ten times a second at most and erased
/// at the end; elsewhere, in a log, whole lines: a tenth of the work or more from each other, and never two
/// within two seconds, but one every half minute (every ten seconds where the total is unknown). A stream that
/// fails is not an error.
///
///     progress bar{{.label = "epoch 1/3", .total = 60000}};
///     for (...) bar.update(images so far);
///     bar.finish();
class progress {
public:
    /// Seconds from any start, never going back.
    using clock = double (*)();

    explicit progress(progress_options options, std::FILE* out = stderr)
        : progress(std::move(options), out, to_file, detail::steady_seconds, detail::terminal_columns(out)) {}

    /// To a std::ostream or alike: plain lines, or those of a terminal of so many columns.
    template <class Stream>
        requires requires(Stream& out) { out.write("", 0).flush(); }
    explicit progress(progress_options options, Stream& out, clock now = detail::steady_seconds,
                      int columns = 0)
        : progress(std::move(options), &out, to_stream<Stream>, now, columns) {}

    progress(progress const&) = delete;
    progress& operator=(progress const&) = delete;
    /// Without a finish() something was thrown: what is said about it starts on a line of its own.
    ~progress() {
        if (!finished_ && columns_ > 0) write("\n");
    }

    /// `done` are done, of the whole and not since the last call.
    void update(std::int64_t done) {
        done_ = done;
        if (finished_) return;
        double const now = now_();
        if (columns_ > 0) {
            if (now - shown_ >= 0.1) draw(now);
            return;
        }
        bool const tenth = options_.total > 0 && (done - shown_done_) * 10 >= options_.total;
        if (now - shown_ >= (tenth ? 2 : options_.total > 0 ? 30 : 10)) {
            show(now);
            auto const parts = pieces(now);
            auto line = options_.label + separator() + parts.count + ' ' + options_.unit;
            for (auto const* part : {&parts.percent, &parts.rate, &parts.left})
                if (!part->empty()) (line += ", ") += *part;
            write(line + '\n');
        }
    }

    /// Ends the line: nothing is left of a bar, a log gets the totals.
    void finish() {
        if (std::exchange(finished_, true)) return;
        stopped_ = now_();
        if (columns_ > 0) return write("\r\x1b[K");
        auto const speed = rate();
        write(options_.label + separator() + detail::grouped(done_) + ' ' + options_.unit + " in " +
              detail::one_decimal(seconds()) + " s" + (speed > 0 ? ", " + rate_text(speed) : "") + '\n');
    }

    /// Seconds since the start, up to the end.
    double seconds() const { return (finished_ ? stopped_ : now_()) - start_; }
    /// Done per second, 0 while that is unknown.
    double rate() const { return rate_after(seconds()); }

private:
    using writer = void (*)(void*, std::string_view);

    progress(progress_options options, void* out, writer put, clock now, int columns)
        : options_(std::move(options)), out_(out), put_(put), now_(now), columns_(options_.quiet ? 0 : columns),
          file_(put == to_file ? static_cast<std::FILE*>(out) : nullptr), utf8_(detail::locale_is_utf8()),
          start_(now()), shown_(start_) {
        if (columns_ > 0) draw(start_);
    }

    static void to_file(void* out, std::string_view text) {
        auto* const file = static_cast<std::FILE*>(out);
        std::fwrite(text.data(), 1, text.size(), file);
        std::fflush(file);
    }
    template <class Stream>
    static void to_stream(void* out, std::string_view text) {
        try {
            static_cast<Stream*>(out)->write(text.data(), static_cast<std::ptrdiff_t>(text.size())).flush();
        } catch (...) { // a stream that throws when it fails has failed, and that is all
        }
    }
    void write(std::string_view text) {
        if (!options_.quiet) put_(out_, text);
    }

    /// The first moments say nothing about the speed: threads start, memory is touched for the first time.
    double rate_after(double seconds) const {
        if (done_ <= 0 || seconds <= 0 || (!finished_ && seconds < 0.3)) return 0;
        return static_cast<double>(done_) / seconds;
    }

    std::string rate_text(double speed) const {
        auto const whole = static_cast<std::int64_t>(std::min(speed, 9e15) + 0.5);
        return (speed < 100 ? detail::one_decimal(speed) : detail::grouped(whole)) + ' ' + options_.unit + "/s";
    }
    char const* separator() const { return options_.label.empty() ? "" : ": "; }
    double fraction() const {
        return std::clamp(static_cast<double>(done_) / static_cast<double>(options_.total), 0.0, 1.0);
    }

    void show(double now) {
        shown_ = now;
        shown_done_ = done_;
    }

    /// What is known, the most important first; empty pieces are unknown.
    struct texts {
        std::string percent, left, rate, count;
    };
    texts pieces(double now) const {
        texts result;
        double const speed = rate_after(now - start_);
        if (options_.total > 0) {
            result.percent = std::to_string(static_cast<int>(fraction() * 100)) + '%';
            auto const left = static_cast<double>(std::max<std::int64_t>(0, options_.total - done_));
            if (speed > 0) result.left = detail::minutes(left / speed) + " left";
            result.count = detail::grouped(done_) + '/' + detail::grouped(options_.total);
        } else {
            result.count = detail::grouped(done_);
        }
        if (speed > 0) result.rate = rate_text(speed);
        return result;
    }

    void draw(double now) {
        show(now);
        if (file_) columns_ = std::max(1, detail::terminal_columns(file_)); // the window may have changed
        auto const parts = pieces(now);
        auto line = options_.label;
        int room = columns_ - 1 - detail::columns_of(line); // the last column would wrap on some terminals
        if (room < 0) line.clear(), room = columns_ - 1;
        auto const add = [&](std::string const& text) {
            int const needed = detail::columns_of(text) + (line.empty() ? 0 : 2);
            if (text.empty() || needed > room) return;
            line += (line.empty() ? "" : "  ") + text;
            room -= needed;
        };
        // The bar's length depends on the window alone: it must not tremble with the numbers beside it.
        if (options_.total > 0) add(detail::bar(fraction(), std::clamp(columns_ - 64, 10, 30), utf8_));
        for (auto const* part : {&parts.percent, &parts.left, &parts.rate, &parts.count}) add(*part);
        write('\r' + line + "\x1b[K");
    }

    progress_options options_;
    void* out_;
    writer put_;
    clock now_;
    int columns_; // 0: plain lines
    std::FILE* file_;
    bool utf8_;
    double start_, shown_, stopped_ = 0;
    std::int64_t done_ = 0, shown_done_ = 0;
    bool finished_ = false;
};

} // namespace lockstep
