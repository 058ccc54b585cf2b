// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/chart.hpp>
#include <lockstep/train/atomic_file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

/// What is known after an epoch; NaN where it is not.
struct curve_point {
    double epoch = 0;
    double training_loss = std::numeric_limits<double>::quiet_NaN();
    double test_loss = std::numeric_limits<double>::quiet_NaN();
    /// Between 0 and 1.
    double test_accuracy = std::numeric_limits<double>::quiet_NaN();
};

/// A training in numbers.
struct training_curve {
    std::string title = {};
    std::string subtitle = {};
    std::vector<curve_point> points = {};
    /// The loss of every step of these epochs, or nothing.
    std::vector<double> step_losses = {};
};

namespace detail {

/// Draws a training_curve: the loss on the left, the accuracy on the right, over the same epochs.
class curve_drawing {
public:
    explicit curve_drawing(training_curve const& curve) : curve_(curve), epochs_(epoch_axis()) {}

    std::string draw() {
        svg_ = R"(<svg xmlns="http://www.w3.org/2000/svg" width="960" height="480" viewBox="0 0 960 480"
     role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans',
     'Liberation Sans', Arial, sans-serif" font-size="13" fill="#6b7280"
     style="font-variant-numeric: tabular-nums">
)";
        svg_ += "<title>" + xml(curve_.title) + "</title>\n";
        svg_ += "<rect width=\"960\" height=\"480\" fill=\"#ffffff\"/>\n";
        text(left_start, 44, curve_.title, "font-size=\"21\" font-weight=\"600\" fill=\"#111827\"");
        text(left_start, 68, curve_.subtitle, "font-size=\"14\"");
        draw_losses();
        draw_accuracy();
        return svg_ + "</svg>\n";
    }

private:
    static constexpr double left_start = 64, right_start = 548, width = 300, top = 132, bottom = 412;
    static constexpr auto training_color = "#d9691c", test_color = "#1d5fc4";

    struct series {
        std::string name;
        char const* color;
        std::vector<double> values; // one a point of the curve
    };
    /// Text to the right of a line's last point.
    struct end_label {
        double x, y;
        std::string name, value;
        char const* color;
    };

    std::vector<double> values(double curve_point::*member) const {
        std::vector<double> result;
        for (auto const& point : curve_.points) result.push_back(point.*member);
        return result;
    }

    axis epoch_axis() const {
        double low = 1e300, high = -1e300;
        for (auto const& point : curve_.points)
            if (drawable(point.epoch)) low = std::min(low, point.epoch), high = std::max(high, point.epoch);
        if (low > high) low = high = 1;
        // The steps of the first epoch come before its end.
        if (!curve_.step_losses.empty()) low = std::max(0.0, low - 1);
        if (high - low < 1e-6) low -= 0.5, high += 0.5;
        return {low, high, 0, width, std::max(1.0, round_step((high - low) / 8))};
    }

    double x(double start, double epoch) const { return start + epochs_(epoch); }
    static std::string place(double value) { return decimal(value, 1); }

    void text(double x, double y, std::string_view content, std::string_view attributes = {}) {
        if (content.empty()) return;
        ((svg_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" ") += attributes) += '>';
        svg_ += xml(content) + "</text>\n";
    }
    void line(double x1, double y1, double x2, double y2, std::string_view color) {
        svg_ += "<path d=\"M" + place(x1) + ' ' + place(y1) + 'L' + place(x2) + ' ' + place(y2);
        ((svg_ += "\" stroke=\"") += color) += "\"/>\n";
    }

    /// The title, grid and ticks of a panel. Ticks are written `scale` times as large, with a unit.
    void frame(double start, axis const& vertical, double scale, std::string_view unit) {
        for (double const tick : vertical.ticks()) {
            auto const y = vertical(tick);
            line(start, y, start + width, y, "#eceef1");
            text(start - 10, y + 4.5, decimal(tick * scale, vertical.decimals(scale)) + std::string(unit),
                 "text-anchor=\"end\"");
        }
        line(start, bottom, start + width, bottom, "#9ca3af");
        for (double const tick : epochs_.ticks()) {
            auto const at = x(start, tick);
            line(at, bottom, at, bottom + 5, "#9ca3af");
            text(at, bottom + 21, decimal(tick, epochs_.decimals()), "text-anchor=\"middle\"");
        }
        text(start + width / 2, bottom + 44, "epoch", "text-anchor=\"middle\"");
    }

    /// A line through the values that can be drawn, a dot at each where there are few, and one at the end.
    void draw_series(double start, axis const& vertical, series const& drawn) {
        std::string path, dots;
        bool pen_down = false;
        std::size_t const last = last_drawable(drawn.values);
        for (std::size_t i = 0; i < drawn.values.size(); ++i) {
            bool const exists = drawable(drawn.values[i]) && drawable(curve_.points[i].epoch);
            if (exists) {
                auto const at_x = place(x(start, curve_.points[i].epoch));
                auto const at_y = place(vertical(drawn.values[i]));
                path += (pen_down ? 'L' : 'M') + at_x + ' ' + at_y;
                // A value between two missing ones is no line: only a dot shows it.
                bool const alone = !pen_down && i < last && !drawable(drawn.values[i + 1]);
                if (drawn.values.size() <= 12 || i == last || alone)
                    dots += circle(at_x, at_y, i == last ? "4.5" : "3.5");
            }
            pen_down = exists;
        }
        if (path.empty()) return;
        svg_ += "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + drawn.color +
                "\" stroke-width=\"2.25\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n";
        svg_ += std::string("<g fill=\"") + drawn.color + "\" stroke=\"#ffffff\" stroke-width=\"1.5\">";
        svg_ += dots + "</g>\n";
    }
    static std::string circle(std::string const& x, std::string const& y, std::string const& radius) {
        return "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"" + radius + "\"/>";
    }

    /// The last point with a value; their number where there is none.
    std::size_t last_drawable(std::vector<double> const& values) const {
        for (auto i = values.size(); i-- > 0;)
            if (drawable(values[i]) && drawable(curve_.points[i].epoch)) return i;
        return values.size();
    }

    void heading(double start, std::string_view title) {
        text(start, top - 22, title, "font-size=\"15\" font-weight=\"600\" fill=\"#374151\"");
    }

    /// Says in an empty panel why it is empty.
    void draw_nothing(double start) {
        line(start, bottom, start + width, bottom, "#9ca3af");
        text(start + width / 2, (top + bottom) / 2, "no finite values", "text-anchor=\"middle\"");
    }

    /// The steps in bins of about two pixels: what a line of thousands of points would smear, and smaller.
    struct bin {
        double low = 1e300, high = -1e300, sum = 0;
        int count = 0;
        double mean() const { return sum / count; }
    };
    std::vector<bin> step_bins() const {
        auto const& losses = curve_.step_losses;
        std::vector<bin> bins(std::min<std::size_t>(losses.size(), 150));
        for (std::size_t i = 0; i < losses.size(); ++i) {
            if (!drawable(losses[i])) continue;
            auto& to = bins[i * bins.size() / losses.size()];
            to.low = std::min(to.low, losses[i]);
            to.high = std::max(to.high, losses[i]);
            to.sum += losses[i];
            ++to.count;
        }
        return bins;
    }

    void draw_losses() {
        series const training{"training", training_color, values(&curve_point::training_loss)};
        series const test{"test", test_color, values(&curve_point::test_loss)};
        auto const bins = step_bins();
        std::vector<double> seen;
        for (auto const* drawn : {&training, &test})
            std::copy_if(drawn->values.begin(), drawn->values.end(), std::back_inserter(seen), drawable);
        std::vector<double> means;
        for (auto const& one : bins)
            if (one.count > 0) means.push_back(one.mean());
        std::sort(means.begin(), means.end());
        // The first steps of a training are many times higher than all that follow: they may leave the picture.
        if (!means.empty()) seen.push_back(means.front()), seen.push_back(means[means.size() * 97 / 100]);
        heading(left_start, "Loss");
        if (seen.empty()) return draw_nothing(left_start);
        auto const [low, high] = std::minmax_element(seen.begin(), seen.end());
        // From zero, unless that would flatten what there is to see.
        bool const from_zero = *low > 0 && (*low < 0.75 * *high || curve_.points.size() < 2);
        auto const vertical = round_axis(from_zero ? 0 : *low, *high, 4, bottom, top);

        frame(left_start, vertical, 1, "");
        draw_steps(vertical, bins);
        draw_series(left_start, vertical, training);
        draw_series(left_start, vertical, test);

        std::vector<end_label> labels;
        for (auto const* drawn : {&training, &test})
            if (auto const last = last_drawable(drawn->values); last < drawn->values.size())
                labels.push_back({x(left_start, curve_.points[last].epoch) + 12, vertical(drawn->values[last]),
                                  drawn->name, loss_text(drawn->values[last]), drawn->color});
        // Where two lines end close together, their labels keep apart.
        if (labels.size() == 2) {
            double const overlap = 19 - std::abs(labels[0].y - labels[1].y);
            double const push = overlap > 0 ? (labels[0].y < labels[1].y ? overlap / 2 : -overlap / 2) : 0;
            labels[0].y -= push;
            labels[1].y += push;
        }
        for (auto const& label : labels)
            svg_ += "<text x=\"" + place(label.x) + "\" y=\"" + place(label.y + 4.5) + "\" fill=\"" +
                    label.color + "\">" + label.name + " <tspan font-weight=\"700\">" + label.value +
                    "</tspan></text>\n";
    }

    void draw_steps(axis const& vertical, std::vector<bin> const& bins) {
        std::string upper, lower, middle;
        for (std::size_t i = 0; i < bins.size(); ++i) {
            if (bins[i].count == 0) continue;
            auto const part = (static_cast<double>(i) + 0.5) / static_cast<double>(bins.size());
            auto const at = place(left_start + width * part);
            // Far above the picture is as good as just above it, and no renderer minds.
            auto const y = [&](double value) { return place(std::max(-1000.0, vertical(value))); };
            upper += (upper.empty() ? 'M' : 'L') + at + ' ' + y(bins[i].high);
            middle += (middle.empty() ? 'M' : 'L') + at + ' ' + y(bins[i].mean());
            lower.insert(0, 'L' + at + ' ' + y(bins[i].low));
        }
        if (upper.empty()) return;
        text(left_start + width, top - 22, "shaded: single steps", "text-anchor=\"end\"");
        svg_ += "<clipPath id=\"loss\"><rect x=\"" + place(left_start) + "\" y=\"" + place(top);
        svg_ += "\" width=\"" + place(width) + "\" height=\"" + place(bottom - top) + "\"/></clipPath>\n";
        svg_ += std::string("<g clip-path=\"url(#loss)\" stroke-linejoin=\"round\" fill=\"") + training_color +
                "\">\n<path d=\"" + upper + lower + "Z\" fill-opacity=\"0.12\"/>\n<path d=\"" + middle +
                "\" fill=\"none\" stroke=\"" + training_color + "\" stroke-opacity=\"0.4\"/>\n</g>\n";
    }

    void draw_accuracy() {
        series const test{"test", test_color, values(&curve_point::test_accuracy)};
        auto const last = last_drawable(test.values);
        heading(right_start, "Test accuracy");
        if (last == test.values.size()) return draw_nothing(right_start);
        double low = test.values[last], high = low;
        std::size_t best = last;
        for (std::size_t i = 0; i < test.values.size(); ++i) {
            if (!drawable(test.values[i]) || !drawable(curve_.points[i].epoch)) continue;
            low = std::min(low, test.values[i]);
            high = std::max(high, test.values[i]);
            if (test.values[i] > test.values[best]) best = i;
        }
        // One value has no range of its own, and less than a percent is hardly a change. But nothing is better
        // than 100%, nor worse than 0.
        if (high - low < 0.01) low = std::min(low, std::max(0.0, low - 0.01)), high = low + 0.02;
        if (test.values[best] <= 1) high = std::min(high, 1.0);
        auto const vertical = round_axis(low, high, 4, bottom, top);
        frame(right_start, vertical, 100, "%");
        draw_series(right_start, vertical, test);

        auto const percent = [&](std::size_t i) { return decimal(100 * test.values[i], 1) + '%'; };
        auto const epoch = [&](std::size_t i) { return "epoch " + decimal(curve_.points[i].epoch, 0); };
        double const at = x(right_start, curve_.points[last].epoch) + 12;
        double const y = std::min(vertical(test.values[last]), bottom - 50);
        auto const big = std::string("font-size=\"20\" font-weight=\"700\" fill=\"") + test_color + '"';
        text(at, y + 7, percent(last), big);
        text(at, y + 25, epoch(last));
        if (percent(best) == percent(last)) return;
        text(at, y + 49, "best " + percent(best));
        text(at, y + 66, epoch(best));
        auto const best_x = place(x(right_start, curve_.points[best].epoch));
        svg_ += std::string("<g fill=\"#ffffff\" stroke-width=\"2\" stroke=\"") + test_color + "\">" +
                circle(best_x, place(vertical(test.values[best])), "4") + "</g>\n";
    }

    training_curve const& curve_;
    axis epochs_;
    std::string svg_;
};

} // namespace detail

/// A picture of a training as an SVG document.
inline std::string curve_svg(training_curve const& curve) { return detail::curve_drawing(curve).draw(); }

/// Writes the picture of a training. Throws data_error; the file is whole or not there.
inline void write_curve(std::string const& path, training_curve const& curve) {
    write_file(path, curve_svg(curve));
}

} // namespace lockstep
