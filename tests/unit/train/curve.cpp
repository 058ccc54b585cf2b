// SPDX-License-Identifier: MIT
#include <lockstep/train/curve.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

bool contains(std::string const& text, std::string const& part) { return text.find(part) != text.npos; }

int occurrences(std::string const& text, std::string const& part) {
    int count = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// Whether the tags nest, every attribute is quoted and no & or < stands alone: what our writer could get
/// wrong of XML.
bool well_formed(std::string const& text) {
    std::vector<std::string> open;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '&') {
            auto const name = text.substr(at + 1, text.find(';', at) - at - 1);
            if (name != "amp" && name != "lt" && name != "gt" && name != "quot") return false;
        }
        if (text[at] != '<') {
            ++at;
            continue;
        }
        auto const end = text.find('>', at);
        if (end == text.npos) return false;
        auto const tag = text.substr(at + 1, end - at - 1);
        at = end + 1;
        if (occurrences(tag, "\"") != 2 * occurrences(tag, "=\"") || contains(tag, "<")) return false;
        auto const name = tag.substr(tag[0] == '/', tag.find_first_of(" \n/", 1) - (tag[0] == '/'));
        if (tag[0] == '/') {
            if (open.empty() || open.back() != name) return false;
            open.pop_back();
        } else if (tag.back() != '/') {
            open.push_back(name);
        }
    }
    return open.empty();
}

/// The picture, after what every picture must fulfil.
std::string drawn(ls::training_curve const& curve) {
    auto const svg = ls::curve_svg(curve);
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(well_formed(svg));
    CHECK_FALSE(contains(svg, "nan"));
    CHECK_FALSE(contains(svg, "inf"));
    for (char const c : svg) {
        bool const allowed = static_cast<unsigned char>(c) >= 0x20 || c == '\n';
        if (!allowed) FAIL("a control character");
    }
    return svg;
}

ls::training_curve falling(int epochs) {
    ls::training_curve curve{.title = "net", .subtitle = "seed 1"};
    for (int i = 1; i <= epochs; ++i)
        curve.points.push_back({double(i), 1.0 / i, 0.3 + 1.0 / i, 0.9 - 0.4 / i});
    return curve;
}

} // namespace

TEST_CASE("ticks are round, and the axis reaches past the values") {
    auto const ticks = [](double low, double high) {
        return ls::detail::round_axis(low, high, 4, 0, 1).ticks();
    };
    CHECK(ticks(0, 2.3) == std::vector<double>{0, 1, 2, 3});
    CHECK(ticks(0, 0.8).size() == 5);
    CHECK(ticks(0.5, 0.5).size() >= 2);
    CHECK(ticks(-3, -1).front() == -3);
    auto const axis = ls::detail::round_axis(0.84, 0.9, 4, 412, 132);
    CHECK(axis.decimals(100) == 0);
    CHECK(axis(axis.low) == 412);
    CHECK(axis(axis.high) == 132);
    for (double const size : {1e-200, 1e-9, 1.0, 1e15, 1e299}) {
        auto const wide = ls::detail::round_axis(size, 3 * size, 4, 0, 1);
        CHECK(wide.ticks().size() >= 2);
        CHECK(wide.ticks().size() <= 20);
        CHECK(std::isfinite(wide(2 * size)));
    }
}

TEST_CASE("numbers in a picture") {
    CHECK(ls::detail::decimal(-0.01, 1) == "0.0");
    CHECK(ls::detail::decimal(3e9, 1) == "3.0e+09");
    CHECK(ls::detail::loss_text(0.25412) == "0.254");
    CHECK(ls::detail::loss_text(0.00012345) == "0.00012");
    CHECK(ls::detail::loss_text(0) == "0.000");
}

TEST_CASE("the last values are labelled beside their lines") {
    for (int const epochs : {1, 3, 5, 50}) {
        auto const svg = drawn(falling(epochs));
        CHECK(contains(svg, ">net</text>"));
        CHECK(contains(svg, ">seed 1</text>"));
        CHECK(contains(svg, ">Loss</text>"));
        CHECK(contains(svg, ">Test accuracy</text>"));
        std::string const bold = " <tspan font-weight=\"700\">";
        CHECK(contains(svg, "training" + bold + ls::detail::loss_text(1.0 / epochs) + "<"));
        CHECK(contains(svg, "test" + bold + ls::detail::loss_text(0.3 + 1.0 / epochs) + "<"));
        CHECK(contains(svg, '>' + ls::detail::decimal(90 - 40.0 / epochs, 1) + "%</text>"));
        CHECK(contains(svg, ">epoch " + std::to_string(epochs) + "</text>"));
        CHECK_FALSE(contains(svg, ">best"));
        CHECK(occurrences(svg, "<circle") == (epochs > 12 ? 3 : 3 * epochs));
    }
}

TEST_CASE("a best accuracy that was lost again is shown") {
    auto curve = falling(5);
    curve.points[2].test_accuracy = 0.95;
    auto const svg = drawn(curve);
    CHECK(contains(svg, ">best 95.0%</text>"));
    CHECK(contains(svg, ">epoch 3</text>"));
}

TEST_CASE("single steps are drawn as a band that does not grow with their number") {
    auto curve = falling(3);
    CHECK_FALSE(contains(drawn(curve), "single steps"));
    curve.step_losses.assign(100'000, 0.5);
    curve.step_losses[7] = nan_value;
    curve.step_losses[8] = 1e200;
    auto const svg = drawn(curve);
    CHECK(contains(svg, ">shaded: single steps</text>"));
    CHECK(svg.size() < 20'000);
    curve.step_losses.assign(2, 0.5);
    drawn(curve);
    curve.step_losses.assign(2, nan_value);
    drawn(curve);
}

TEST_CASE("values that are no numbers are left out") {
    auto curve = falling(7);
    curve.points[2] = {3, nan_value, infinite, -infinite};
    curve.points[6] = {7, nan_value, nan_value, nan_value};
    auto const svg = drawn(curve);
    CHECK(occurrences(svg, "<circle") == 15);
    CHECK(contains(svg, ">epoch 6</text>"));
    curve.points[3].epoch = nan_value;
    CHECK(occurrences(drawn(curve), "<circle") == 12);

    for (auto& point : curve.points) point = {point.epoch, nan_value, infinite, nan_value};
    CHECK(occurrences(drawn(curve), ">no finite values<") == 2);
    CHECK(occurrences(drawn({}), ">no finite values<") == 2);
}

TEST_CASE("odd values make no odd pictures") {
    drawn({.title = "constant", .points = {{1, .5, .5, .5}, {2, .5, .5, .5}}});
    drawn({.title = "same epoch", .points = {{1, .5, .5, .5}, {1, .4, .4, .6}}});
    drawn({.title = "zero", .points = {{0, 0, 0, 0}}});
    drawn({.title = "extreme", .points = {{1, 1e299, -1e299, 5}, {1e12, 1e-300, 0, -5}}});
    auto const perfect = drawn({.title = "perfect", .points = {{1, .1, .1, 1}, {2, .1, .1, 1}}});
    CHECK(contains(perfect, ">100.0%<"));
    CHECK_FALSE(contains(perfect, ">101"));
}

TEST_CASE("titles are text, whatever they hold") {
    auto const svg = drawn({.title = "a & b <c> \"d\" \x01\xff", .subtitle = "é · 2"});
    CHECK(contains(svg, ">a &amp; b &lt;c&gt; &quot;d&quot; \xef\xbf\xbd</text>"));
    CHECK(contains(svg, ">é · 2</text>"));
}

TEST_CASE("the picture is written, or the error says why not") {
    auto name = (std::filesystem::temp_directory_path() / "lockstep-curve-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    ls::write_curve(name + "/curve.svg", falling(3));
    CHECK(std::filesystem::file_size(name + "/curve.svg") == ls::curve_svg(falling(3)).size());
    CHECK_THROWS_AS(ls::write_curve(name + "/missing/curve.svg", falling(3)), ls::data_error);
    std::filesystem::remove_all(name);
}
