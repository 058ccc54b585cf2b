// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/chart.hpp>
#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/expected_step.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lockstep {

namespace detail {

/// Draws an expected step: for each replica a row of its passes and one of its updates, and a row of exchanges.
class step_picture {
public:
    step_picture(plan const& p, expected_step const& step, std::string_view where)
        : plan_(p), step_(step), where_(where), in_milliseconds_(step.end >= 10'000),
          time_{0, step.end, left, width - right, round_step(step.end / unit() / 10) * unit()} {}

    std::string draw() {
        double const bottom = rows_end();
        double const height = bottom + 96;
        svg_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + place(width) + "\" height=\"" + place(height) +
               "\" viewBox=\"0 0 " + place(width) + ' ' + place(height) +
               "\"\n     role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', "
               "'Noto Sans',\n     'Liberation Sans', Arial, sans-serif\" font-size=\"12\" fill=\"#374151\"\n"
               "     style=\"font-variant-numeric: tabular-nums\">\n<title>" + xml(title()) + "</title>\n"
               "<defs><pattern id=\"waiting\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
               "patternTransform=\"rotate(45)\"><path d=\"M0 0V6\" stroke=\"#9ca3af\" stroke-width=\"2.4\"/>"
               "</pattern></defs>\n";
        // Of its own, so that it can be read on any page.
        rectangle(0, 0, width, height, "fill=\"#ffffff\" rx=\"6\"");
        text(left, 30, title(), "font-size=\"16\" font-weight=\"600\" fill=\"#111827\"");
        text(left, 50, "expected times, " + where_);
        draw_axis(bottom);
        for (int r = 0; r < plan_.settings.replicas; ++r) draw_replica(r);
        if (exchanges()) draw_exchanges();
        draw_legend(bottom + 74);
        return svg_ + "</svg>\n";
    }

private:
    static constexpr double width = 1200, left = 132, right = 28, top = 84;
    static constexpr double pass_height = 30, update_height = 20, gap = 11, replica_height = 94;
    static constexpr auto update_color = "#374151", exchange_color = "#b45309";

    // ---- words ----

    std::string title() const {
        plan_settings const& s = plan_.settings;
        return "A step: " + count(s.batch, "sample", "samples") + " in " + count(s.shards, "shard", "shards") + " on " +
               count(s.replicas, "replica", "replicas") + (s.across_processes ? " of a process, " : ", ") +
               count(static_cast<int>(plan_.buckets.size()), "bucket", "buckets");
    }
    static std::string count(int number, char const* one, char const* more) {
        return std::to_string(number) + ' ' + (number == 1 ? one : more);
    }
    std::string name_of(expected_interval const& i) const {
        std::string name;
        if (i.kind == expected_interval::exchange) name = describe(plan_.steps.exchanges[index(i.by.index)]);
        else if (i.kind == expected_interval::waiting) name = "waits for event " + std::to_string(i.by.index);
        else if (i.kind == expected_interval::work) name = describe(plan_, i.by);
        else {
            std::string tail;
            if (plan_.operations[index(i.number)].has_tail)
                tail = " with its tail " + std::string(plan_.operations[index(i.number + 1)].facts.name);
            name = describe_operation(plan_, i.number, tail);
            name += ", shard " + std::to_string(first_shard(i.replica) + i.shard);
        }
        return name + ", " + time_text(i.end - i.begin);
    }
    int first_shard(int replica) const { return replica * (plan_.settings.shards / plan_.settings.replicas); }
    std::string time_text(double microseconds) const {
        return formatted(microseconds, std::chars_format::general, 3) + " \u00b5s";
    }
    static std::size_t index(int i) { return static_cast<std::size_t>(i); }

    // ---- shapes ----

    static std::string place(double value) { return decimal(value, 1); }
    void text(double x, double y, std::string_view content, std::string_view attributes = {}) {
        ((svg_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" ") += attributes) += '>';
        svg_ += xml(content) + "</text>\n";
    }
    void rectangle(double x, double y, double w, double h, std::string_view attributes, std::string_view name = {}) {
        svg_ += "<rect x=\"" + place(x) + "\" y=\"" + place(y) + "\" width=\"" + place(w) + "\" height=\"" + place(h);
        ((svg_ += "\" ") += attributes) += name.empty() ? "/>\n" : "><title>" + xml(name) + "</title></rect>\n";
    }
    /// An interval as a box, with a label where that fits. A short one is a line.
    void box(expected_interval const& i, double y, double h, std::string_view fill, std::string_view label,
             std::string_view label_color) {
        double const x = time_(i.begin), w = std::max(time_(i.end) - x, 0.6);
        std::string attributes = "fill=\"" + std::string(fill) + '"';
        if (w > 3) attributes += " stroke=\"#ffffff\" stroke-width=\"0.7\"";
        rectangle(x, y, w, h, attributes, name_of(i));
        if (label.empty() || w < 7.5 * static_cast<double>(label.size()) + 4) return;
        text(x + w / 2, y + h / 2 + 4, label,
             "text-anchor=\"middle\" font-size=\"11\" fill=\"" + std::string(label_color) + '"');
    }

    // ---- rows ----

    bool exchanges() const { return !plan_.steps.exchanges.empty(); }
    double replica_top(int r) const { return top + r * replica_height; }
    double update_top(int r) const { return replica_top(r) + pass_height + gap; }
    double exchange_top() const { return replica_top(plan_.settings.replicas); }
    double rows_end() const { return exchange_top() + (exchanges() ? update_height + 16 : -16); }

    void row(double y, double h, std::string_view name) {
        rectangle(left, y, width - right - left, h, "fill=\"#f3f4f6\"");
        text(left - 10, y + h / 2 + 4, name, "text-anchor=\"end\"");
    }

    /// Each layer has its colour; the backward pass is paler.
    std::string color_of(int operation) const {
        static constexpr std::array<char const*, 8> hues{"212", "28", "150", "268", "350", "188", "48", "310"};
        bool const backward = operation >= plan_.forward_count;
        auto const group = static_cast<std::size_t>(plan_.operations[index(operation)].group);
        return std::string("hsl(") + hues[group % hues.size()] + (backward ? ",55%,80%)" : ",60%,62%)");
    }

    void draw_replica(int r) {
        double const y = replica_top(r), update_y = update_top(r);
        std::string const name = plan_.settings.replicas > 1 ? "replica " + std::to_string(r) + ": " : "";
        row(y, pass_height, name + "passes");
        row(update_y, update_height, "updates");
        for (expected_interval const& i : step_.intervals) {
            if (i.replica != r) continue;
            if (i.kind == expected_interval::waiting) box(i, y, pass_height, "url(#waiting)", "", "");
            else if (i.by.kind == command_kind::begin)
                text(time_(i.begin), y - 5, shards_of(r, i.by), "font-size=\"11\"");
            else if (i.in_update_stream) box(i, update_y, update_height, update_color, bucket_of(i.by), "#ffffff");
            else if (i.kind == expected_interval::operation)
                box(i, y, pass_height, color_of(i.number),
                    layer_of_group(plan_, plan_.operations[index(i.number)].group), "#111827");
            else if (i.by.kind == command_kind::sum_shards) box(i, y, pass_height, color_of(i.by.index), "", "");
        }
        for (expected_arrival const& a : step_.arrivals) {
            if (a.replica != r || !is_of_passes(a.event)) continue;
            svg_ += "<path d=\"M" + place(time_(a.time)) + ' ' + place(y + pass_height) + "v5\" stroke=\"#111827\"/>" +
                    "<circle cx=\"" + place(time_(a.time)) + "\" cy=\"" + place(y + pass_height + 5.5) +
                    "\" r=\"2.5\" fill=\"#111827\"><title>event " + std::to_string(a.event) + "</title></circle>\n";
        }
    }
    std::string shards_of(int r, command const& c) const {
        int const first = first_shard(r) + c.first_shard, last = first_shard(r) + c.last_shard - 1;
        return first == last ? "shard " + std::to_string(first)
                             : "shards " + std::to_string(first) + " to " + std::to_string(last);
    }
    static std::string bucket_of(command const& c) { return c.index < 0 ? "" : std::to_string(c.index); }
    /// Passes arrive there for others to go on.
    bool is_of_passes(int event) const {
        return std::any_of(plan_.steps.compute.begin(), plan_.steps.compute.end(), [=](command const& c) {
            return c.kind == command_kind::arrive && c.index == event;
        });
    }

    void draw_exchanges() {
        row(exchange_top(), update_height, "exchanges");
        for (expected_interval const& i : step_.intervals) {
            if (i.kind != expected_interval::exchange) continue;
            exchange const& e = plan_.steps.exchanges[index(i.by.index)];
            bool const of_bucket = e.kind != exchange_kind::collective && e.index >= 0;
            box(i, exchange_top(), update_height, exchange_color, of_bucket ? std::to_string(e.index) : "", "#ffffff");
        }
    }

    // ---- around them ----

    double unit() const { return in_milliseconds_ ? 1e3 : 1.0; }
    void draw_axis(double y) {
        axis ticks{0, time_.high / unit(), left, width - right, time_.step / unit()};
        for (double const tick : ticks.ticks()) {
            double const x = ticks(tick);
            svg_ += "<path d=\"M" + place(x) + ' ' + place(top - 2) + 'V' + place(y) + "\" stroke=\"#e5e7eb\"/>\n";
            text(x, y + 18, decimal(tick, ticks.decimals()), "text-anchor=\"middle\"");
        }
        svg_ += "<path d=\"M" + place(left) + ' ' + place(y) + 'H' + place(width - right) + "\" stroke=\"#9ca3af\"/>\n";
        text((left + width - right) / 2, y + 38, in_milliseconds_ ? "milliseconds" : "microseconds",
             "text-anchor=\"middle\"");
    }

    void draw_legend(double y) {
        double x = left;
        auto const entry = [&](std::string_view fill, std::string_view what) {
            rectangle(x, y - 11, 14, 14, "fill=\"" + std::string(fill) + '"');
            text(x + 20, y, what);
            x += 44 + 6.4 * static_cast<double>(what.size());
        };
        entry("hsl(212,60%,62%)", "forward, numbered by layer");
        entry("hsl(212,55%,80%)", "backward");
        bool const waits = std::any_of(step_.intervals.begin(), step_.intervals.end(), [](expected_interval const& i) {
            return i.kind == expected_interval::waiting;
        });
        if (waits) entry("url(#waiting)", "waiting");
        entry(update_color, "reduction and update, numbered by bucket");
        if (exchanges()) entry(exchange_color, "messages between processes");
        svg_ += "<circle cx=\"" + place(x + 7) + "\" cy=\"" + place(y - 4) + "\" r=\"3\" fill=\"#111827\"/>\n";
        text(x + 20, y, "arrival at an event");
    }

    plan const& plan_;
    expected_step const& step_;
    std::string where_;
    bool in_milliseconds_;
    axis time_;
    std::string svg_;
};

} // namespace detail

/// A plan's training step as a picture, an SVG document: two rows for each replica, its passes and what follows them,
/// and one for the messages between processes, in the times that are expected on the devices of a machine, one of
/// `processes` equal ones. Boxes have their names as titles. Throws usage_error for a plan without a schedule.
inline std::string to_svg(plan const& p, topology const& t = cpu_host, int processes = 2) {
    std::string where = t.name;
    if (p.settings.across_processes) where += ", one of " + std::to_string(processes) + " processes";
    return detail::step_picture(p, expect_step(p, t, processes), where).draw();
}

} // namespace lockstep
