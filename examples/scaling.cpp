// SPDX-License-Identifier: MIT
// Prints and draws what the cost models say about training on up to 1024 GPUs: docs/scaling.md's tables and picture.

#include "scaling.hpp"

#include <lockstep/lockstep.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace ls = lockstep;

namespace {

/// Two panels of efficiency over the number of GPUs, which doubles from tick to tick.
class scaling_drawing {
public:
    std::string draw(ls::topology const& t) {
        svg_ = R"(<svg xmlns="http://www.w3.org/2000/svg" width="960" height="480" viewBox="0 0 960 480"
     role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans',
     'Liberation Sans', Arial, sans-serif" font-size="13" fill="#6b7280"
     style="font-variant-numeric: tabular-nums">
<title>Predicted efficiency of data parallel training</title>
<rect width="960" height="480" fill="#ffffff"/>
)";
        text(64, 44, "Predicted efficiency of data parallel training",
             "font-size=\"21\" font-weight=\"600\" fill=\"#111827\"");
        text(64, 68, std::string("A model, not a measurement: ") + t.name + ", equal batch on every GPU",
             "font-size=\"14\"");
        panel(64, scaling::resnet50_workload, t);
        panel(544, scaling::gpt2_workload, t);
        return svg_ + "</svg>\n";
    }

private:
    static constexpr double width = 290, top = 132, bottom = 412;
    static constexpr double lowest = 0.7;

    static std::string place(double value) { return ls::detail::decimal(value, 1); }

    void text(double x, double y, std::string const& content, std::string const& attributes = {}) {
        svg_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" " + attributes + '>' + ls::detail::xml(content) +
                "</text>\n";
    }
    void path(std::string const& points, std::string const& attributes) {
        svg_ += "<path d=\"" + points + "\" fill=\"none\" " + attributes + "/>\n";
    }

    void panel(double start, scaling::workload const& w, ls::topology const& t) {
        ls::detail::axis const vertical = ls::detail::round_axis(lowest, 1.0, 6, bottom, top);
        ls::detail::axis const horizontal{0, 10, start, start + width};
        text(start, top - 22, w.name, "font-size=\"15\" font-weight=\"600\" fill=\"#374151\"");
        for (double const tick : vertical.ticks()) {
            path('M' + place(start) + ' ' + place(vertical(tick)) + 'H' + place(start + width), "stroke=\"#eceef1\"");
            text(start - 10, vertical(tick) + 4.5, ls::detail::decimal(100 * tick, 0) + '%', "text-anchor=\"end\"");
        }
        path('M' + place(start) + ' ' + place(bottom) + 'H' + place(start + width), "stroke=\"#9ca3af\"");
        for (int power = 0; power <= 10; ++power) {
            double const x = horizontal(power);
            path('M' + place(x) + ' ' + place(bottom) + "v5", "stroke=\"#9ca3af\"");
            if (power % 2 == 0) text(x, bottom + 21, std::to_string(1 << power), "text-anchor=\"middle\"");
        }
        text(start + width / 2, bottom + 44, "GPUs", "text-anchor=\"middle\"");

        std::vector<scaling::comparison> points;
        for (int power = 0; power <= 10; ++power) points.push_back(scaling::compare(w, t, 1 << power));
        series(horizontal, vertical, points, &scaling::comparison::efficiency_without_overlap, "#9ca3af",
               "no overlap");
        series(horizontal, vertical, points, &scaling::comparison::ddp_efficiency, "#d9691c", "DDP's buckets");
        series(horizontal, vertical, points, &scaling::comparison::best_efficiency, "#1d5fc4", "chosen buckets");
        labels(horizontal, vertical);
    }

    /// A line, whose name will stand at its end.
    void series(ls::detail::axis const& horizontal, ls::detail::axis const& vertical,
                std::vector<scaling::comparison> const& points, double scaling::comparison::*value,
                std::string const& color, std::string const& name) {
        std::string line, dots;
        for (scaling::comparison const& p : points) {
            auto const x = place(horizontal(std::log2(p.devices))), y = place(vertical(p.*value));
            line += (line.empty() ? 'M' : 'L') + x + ' ' + y;
            dots += "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"3.5\"/>";
        }
        path(line, "stroke=\"" + color + "\" stroke-width=\"2.25\" stroke-linejoin=\"round\"");
        svg_ += "<g fill=\"" + color + "\" stroke=\"#ffffff\" stroke-width=\"1.5\">" + dots + "</g>\n";
        ends_.push_back({points.back().*value, color, name});
    }

    /// Names and last values, the highest first, each kept off the one above.
    void labels(ls::detail::axis const& horizontal, ls::detail::axis const& vertical) {
        std::ranges::sort(ends_, std::ranges::greater{}, &end::value);
        double above = 0.0;
        for (end const& e : ends_) {
            double const y = std::max(vertical(e.value) + 4.5, above + 34);
            text(horizontal.stop + 12, y - 8, ls::detail::decimal(100 * e.value, 1) + '%',
                 "font-weight=\"700\" fill=\"" + e.color + '"');
            text(horizontal.stop + 12, y + 7, e.name, "fill=\"" + e.color + '"');
            above = y;
        }
        ends_.clear();
    }

    struct end {
        double value;
        std::string color, name;
    };
    std::vector<end> ends_;
    std::string svg_;
};

struct options {
    std::string measurements = "tests/unit/plan/all_reduce_tables.csv";
    std::string image;
};

void run(options const& o) {
    auto const print = [](std::string const& text) { std::printf("%s\n", text.c_str()); };
    print(scaling::error_table(scaling::read_all_reduces(o.measurements)));
    print(scaling::measured_steps_table());
    for (ls::topology const* t : {&ls::h100_nvlink, &ls::rtx4090_pcie})
        for (scaling::workload const* w : {&scaling::resnet50_workload, &scaling::gpt2_workload})
            print(scaling::step_table(*w, *t));
    if (!o.image.empty()) ls::write_file(o.image, scaling_drawing().draw(ls::h100_nvlink));
}

} // namespace

int main(int argc, char** argv) {
    options o;
    CLI::App app{"Prints what the cost models say about training on up to 1024 GPUs.", "scaling"};
    app.add_option("--measurements", o.measurements, "published all-reduces, to compare with")->capture_default_str();
    app.add_option("--image", o.image, "where a picture goes, a .svg file");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    try {
        run(o);
        return 0;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "scaling: %s\n", problem.what());
        return 1;
    }
}
