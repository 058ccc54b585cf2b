// SPDX-License-Identifier: MIT
#include <lockstep/train/progress.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

double time_now = 0;
double fake_clock() { return time_now; }

std::vector<std::string> lines(std::string const& text) {
    std::vector<std::string> result;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) result.push_back(line);
    return result;
}

/// What the terminal shows in the end: the text behind the last return to the line's start.
std::string shown(std::string const& text) {
    auto line = text.substr(text.rfind('\r') + 1);
    return line.substr(0, line.find('\x1b'));
}

} // namespace

TEST_CASE("numbers and times as people write them") {
    CHECK(ls::detail::grouped(0) == "0");
    CHECK(ls::detail::grouped(999) == "999");
    CHECK(ls::detail::grouped(60000) == "60,000");
    CHECK(ls::detail::grouped(1234567) == "1,234,567");
    CHECK(ls::detail::grouped(-123456) == "-123,456");
    CHECK(ls::detail::one_decimal(25.04) == "25.0");
    CHECK(ls::detail::one_decimal(1999.96) == "2,000.0");
    CHECK(ls::detail::minutes(8.6) == "0:09");
    CHECK(ls::detail::minutes(59.7) == "1:00");
    CHECK(ls::detail::minutes(3723) == "1:02:03");
    CHECK(ls::detail::bar(0, 4, false) == "----");
    CHECK(ls::detail::bar(0.625, 4, false) == "==>-");
    CHECK(ls::detail::bar(1, 4, true) == "━━━━");
    CHECK(ls::detail::columns_of("é━a") == 3);
}

TEST_CASE("a log gets whole lines, a tenth of the work apart") {
    time_now = 100;
    std::ostringstream out;
    ls::progress bar{{.label = "epoch 1/3", .total = 60000}, out, fake_clock};
    for (int done = 64; done < 60000; done += 64) {
        time_now = 100 + done / 1500.0; // 40 seconds
        bar.update(done);
    }
    time_now = 140;
    bar.update(60000);
    bar.finish();
    auto const text = lines(out.str());
    REQUIRE(text.size() >= 10);
    CHECK(text.size() <= 11);
    CHECK(text[0] == "epoch 1/3: 6,016/60,000 images, 10%, 1,500 images/s, 0:36 left");
    CHECK(text.back() == "epoch 1/3: 60,000 images in 40.0 s, 1,500 images/s");
    CHECK(out.str().find('\r') == std::string::npos);
    CHECK(out.str().find('\x1b') == std::string::npos);
    CHECK(bar.seconds() == 40);
    CHECK(bar.rate() == 1500);
}

TEST_CASE("a fast epoch is one line, a slow one speaks every half minute") {
    time_now = 0;
    std::ostringstream fast, slow, endless;
    {
        ls::progress bar{{.label = "fast", .total = 1000}, fast, fake_clock};
        for (int done = 1; done <= 1000; ++done) bar.update(done);
        bar.finish();
        bar.finish();
    }
    CHECK(fast.str() == "fast: 1,000 images in 0.0 s\n");
    {
        ls::progress bar{{.label = "slow", .total = 1000, .unit = "samples"}, slow, fake_clock};
        for (int done = 1; done <= 30; ++done) {
            time_now += 2;
            bar.update(done);
        }
    }
    REQUIRE(lines(slow.str()).size() == 2);
    CHECK(lines(slow.str())[0] == "slow: 15/1,000 samples, 1%, 0.5 samples/s, 32:50 left");
    {
        ls::progress bar{{}, endless, fake_clock};
        for (int done = 1; done <= 30; ++done) {
            time_now += 1;
            bar.update(done * 100);
        }
        bar.finish();
    }
    CHECK(lines(endless.str()).size() == 4);
    CHECK(lines(endless.str())[0] == "1,000 images, 100 images/s");
    CHECK(lines(endless.str())[3] == "3,000 images in 30.0 s, 100 images/s");
}

TEST_CASE("nothing to do, nothing done, and more than was announced") {
    time_now = 0;
    std::ostringstream out;
    ls::progress bar{{.label = "a", .total = 10}, out, fake_clock};
    time_now = 40;
    bar.update(0);
    time_now = 80;
    bar.update(20);
    bar.finish();
    CHECK(out.str() == "a: 0/10 images, 0%\na: 20/10 images, 100%, 0.3 images/s, 0:00 left\n"
                       "a: 20 images in 80.0 s, 0.3 images/s\n");
    std::ostringstream none;
    ls::progress{{.label = "b"}, none, fake_clock}.finish();
    CHECK(none.str() == "b: 0 images in 0.0 s\n");
}

TEST_CASE("quiet is quiet") {
    time_now = 0;
    std::ostringstream out;
    for (int const columns : {0, 80}) {
        ls::progress bar{{.label = "a", .total = 10, .quiet = true}, out, fake_clock, columns};
        time_now += 100;
        bar.update(5);
        if (columns == 0) bar.finish();
    }
    CHECK(out.str().empty());
}

TEST_CASE("a terminal gets one line that fits, ten times a second, and is left clean") {
    for (int const columns : {1, 8, 20, 40, 80, 200}) {
        time_now = 0;
        std::ostringstream out;
        ls::progress bar{{.label = "epoch 1/3", .total = 60000}, out, fake_clock, columns};
        std::size_t redraws = 0;
        for (int done = 0; done <= 60000; done += 10) {
            time_now = done / 6000.0; // 10 seconds
            auto const before = out.str().size();
            bar.update(done);
            redraws += out.str().size() > before;
            auto const line = shown(out.str());
            REQUIRE(ls::detail::columns_of(line) < std::max(2, columns));
            if (columns >= 80) {
                REQUIRE(line.find("epoch 1/3  ") == 0);
                REQUIRE(line.find('%') != std::string::npos);
            }
            if (columns >= 80 && done > 3000) {
                REQUIRE(line.find(" left  6,000 images/s  ") != std::string::npos);
                REQUIRE(line.find("/60,000") != std::string::npos);
            }
        }
        CHECK(redraws >= 90);
        CHECK(redraws <= 101);
        CHECK(out.str().find('\n') == std::string::npos);
        bar.finish();
        CHECK(shown(out.str()).empty());
    }
}

TEST_CASE("an exception leaves the bar and starts a new line") {
    time_now = 0;
    std::ostringstream out;
    { ls::progress bar{{.label = "a", .total = 10}, out, fake_clock, 80}; }
    CHECK(out.str().back() == '\n');
    CHECK(shown(out.str()).find("a  ") == 0);
}

TEST_CASE("a stream that fails is not an error") {
    time_now = 0;
    std::ostringstream out;
    out.exceptions(std::ios::badbit | std::ios::failbit);
    try {
        out.setstate(std::ios::badbit);
    } catch (std::ios::failure const&) {
    }
    CHECK_NOTHROW(ls::progress({.label = "a"}, out, fake_clock).finish());
#ifdef __linux__
    auto* const full = std::fopen("/dev/full", "w");
    REQUIRE(full != nullptr);
    CHECK_NOTHROW(ls::progress({.label = "a"}, full).finish());
    std::fclose(full);
#endif
}

TEST_CASE("a file that is no terminal gets lines") {
    auto* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    ls::progress({.label = "a", .total = 5}, file).finish();
    std::rewind(file);
    char text[100] = {};
    auto const size = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    CHECK(std::string(text, size) == "a: 0 images in 0.0 s\n");
}
