// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/plan/describe.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/plan/topology.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace lockstep {

namespace detail {

/// Something in a stream, in microseconds since the step began.
struct drawn_command {
    command what;
    /// Of a run, one operation.
    int operation = -1;
    int shard = -1;
    double begin = 0.0, end = 0.0;
};

/// A schedule carried out in expected times: an operation takes as long as the slower of its arithmetic and its memory,
/// and the bytes of a bucket's slice pass through memory once.
class expected_times {
public:
    expected_times(plan const& p, device_rates const& rates) : plan_(p), rates_(rates), streams_(2 * p.settings.replicas) {
        std::vector<double> time(streams_.size(), 0.0), happened(p.steps.events.size(), 0.0);
        std::vector<int> arrived(p.steps.events.size(), 0);
        std::vector<std::size_t> next(streams_.size(), 0);
        for (bool advanced = true; advanced;) {
            advanced = false;
            for (std::size_t s = 0; s < streams_.size(); ++s)
                for (auto const commands = s % 2 == 0 ? p.steps.compute : p.steps.update; next[s] < commands.size(); ++next[s]) {
                    command const& c = commands[next[s]];
                    if (c.leader_only && s > 1) continue;
                    if (c.kind == command_kind::wait && arrived[c.index] < p.steps.events[c.index]) break;
                    advanced = true;
                    if (c.kind == command_kind::arrive) {
                        ++arrived[c.index];
                        happened[c.index] = std::max(happened[c.index], time[s]);
                    }
                    double const begin = time[s];
                    if (c.kind == command_kind::wait) time[s] = std::max(time[s], happened[c.index]);
                    else if (c.kind == command_kind::run) run(s, c, time[s]);
                    else time[s] += duration(s, c);
                    if (c.kind != command_kind::run) streams_[s].push_back({c, -1, -1, begin, time[s]});
                    end_ = std::max(end_, time[s]);
                }
        }
    }

    std::vector<std::vector<drawn_command>> const& streams() const { return streams_; }
    double end() const { return end_; }

private:
    double seconds(double flops, double bytes) const { return 1e6 * std::max(flops / rates_.flops, bytes / rates_.memory_bytes); }

    void run(std::size_t stream, command const& c, double& time) {
        auto const samples = static_cast<double>(plan_.shard_samples());
        for (int shard = c.first_shard; shard < c.last_shard; ++shard)
            for (int i = c.first; i < c.last; ++i) {
                operation const& op = plan_.operations[i];
                double const took = seconds(op.facts.flops * samples, static_cast<double>(plan_.bytes(op, plan_.shard_samples())));
                streams_[stream].push_back({c, i, shard, time, time + took});
                time += took;
            }
    }
    double duration(std::size_t stream, command const& c) const {
        double values = 0.0; // that pass through memory for each element of a slice
        if (c.kind == command_kind::reduce_and_update) values = plan_.settings.shards + 2.0 * (1 + plan_.settings.optimizer_states);
        if (c.kind == command_kind::reduce || c.kind == command_kind::combine) values = plan_.settings.shards + 1.0;
        if (c.kind == command_kind::update) values = 1.0 + 2.0 * (1 + plan_.settings.optimizer_states);
        if (values == 0.0) return 0.0;
        bucket_slice const own = slice_of(plan_.buckets[c.index], static_cast<int>(stream) / 2, plan_.settings.replicas);
        return seconds(0.0, values * static_cast<double>(own.end - own.begin) * plan_.settings.element_bytes);
    }

    plan const& plan_;
    device_rates rates_;
    std::vector<std::vector<drawn_command>> streams_;
    double end_ = 0.0;
};

class schedule_picture {
public:
    schedule_picture(plan const& p, device_rates const& rates) : plan_(p), times_(p, rates) {}

    std::string draw() {
        int const replicas = plan_.settings.replicas;
        double const height = top + replicas * replica_height + bottom;
        append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
               "font-family=\"sans-serif\" font-size=\"12\" fill=\"#1f2430\">\n", width, height, width, height);
        append("<rect width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n", width, height);
        text(left, 24, "start", 15, "A step: " + count(plan_.settings.batch, "sample") + " in " + count(plan_.settings.shards, "shard") +
                                        " on " + count(replicas, "replica") + ", " + count(static_cast<int>(plan_.buckets.size()), "bucket"));
        text(left, 42, "start", 12, "expected times; a bucket is reduced and updated when all replicas have passed the operation that completes it");
        for (int r = 0; r < replicas; ++r) draw_replica(r);
        draw_axis(top + replicas * replica_height);
        draw_legend(top + replicas * replica_height + 52);
        return svg_ + "</svg>\n";
    }

private:
    static constexpr double width = 1200, left = 120, right = 20, top = 62, bottom = 78, replica_height = 88;
    static constexpr double box_height = 28;

    template <class... Values>
    void append(char const* format, Values... values) {
        char line[512];
        std::snprintf(line, sizeof line, format, values...);
        svg_ += line;
    }
    static std::string count(int number, std::string const& what) { return std::to_string(number) + " " + what + (number == 1 ? "" : "s"); }
    static std::string escaped(std::string const& raw) {
        std::string result;
        for (char const c : raw) result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
        return result;
    }
    void text(double x, double y, char const* anchor, int size, std::string const& what) {
        append("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">", x, y, anchor, size);
        svg_ += escaped(what) + "</text>\n";
    }
    double x_of(double time) const { return left + (width - left - right) * time / std::max(times_.end(), 1e-9); }

    /// A layer's colour: forward strong, backward pale.
    std::string colour_of(drawn_command const& c) const {
        static constexpr std::array<int, 8> hues{212, 28, 150, 268, 350, 188, 48, 310};
        char text[40];
        bool const backward = c.operation >= plan_.forward_count;
        std::snprintf(text, sizeof text, "hsl(%d,%d%%,%d%%)", hues[static_cast<std::size_t>(plan_.operations[c.operation].group) % hues.size()],
                      backward ? 55 : 60, backward ? 78 : 62);
        return text;
    }

    void box(drawn_command const& c, double y, std::string const& colour, std::string const& title, std::string const& label) {
        double const x = x_of(c.begin), w = std::max(x_of(c.end) - x, 0.75);
        append("<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.0f\" stroke=\"#ffffff\" stroke-width=\"0.4\" fill=\"", x, y, w, box_height);
        svg_ += colour + "\"><title>" + escaped(title) + "</title></rect>\n";
        if (w > 7.0 * static_cast<double>(label.size()) + 4) text(x + w / 2, y + box_height / 2 + 4, "middle", 11, label);
    }

    void draw_replica(int r) {
        double const y = top + r * replica_height, update_y = y + box_height + 18;
        text(left - 10, y + 30, "end", 12, "replica " + std::to_string(r));
        text(left - 10, y + 44, "end", 10, "passes");
        text(left - 10, update_y + 18, "end", 10, "update");
        append("<rect x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" fill=\"#f2f4f7\"/>\n", left, y + 12, width - left - right, box_height);
        append("<rect x=\"%.0f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" fill=\"#f2f4f7\"/>\n", left, update_y, width - left - right, box_height);
        for (drawn_command const& c : times_.streams()[static_cast<std::size_t>(2 * r)]) {
            if (c.operation >= 0) {
                operation const& op = plan_.operations[c.operation];
                std::string const layer = layer_of_group(plan_, op.group);
                box(c, y + 12, colour_of(c), "operation " + std::to_string(c.operation) + ", " + op.facts.name +
                                                 (layer.empty() ? "" : ", layer " + layer) + ", shard " + std::to_string(c.shard), layer);
            } else if (c.what.kind == command_kind::begin) {
                text(x_of(c.begin), y + 8, "start", 10, shards_text(r, c.what));
            } else if (c.what.kind == command_kind::arrive) {
                append("<path d=\"M%.2f %.1f v%.1f\" stroke=\"#1f2430\" stroke-width=\"1.2\"/>\n", x_of(c.begin), y + 12 + box_height, 6.0);
                append("<circle cx=\"%.2f\" cy=\"%.1f\" r=\"2.6\"/>\n", x_of(c.begin), y + 12 + box_height + 6);
            }
        }
        for (drawn_command const& c : times_.streams()[static_cast<std::size_t>(2 * r + 1)]) {
            bool const works = c.end > c.begin && c.what.kind != command_kind::wait;
            if (works) box(c, update_y, "#475066", describe(plan_, c.what), "");
            if (works && x_of(c.end) - x_of(c.begin) > 12) {
                append("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" font-size=\"11\" fill=\"#ffffff\">%d</text>\n",
                       (x_of(c.begin) + x_of(c.end)) / 2, update_y + box_height / 2 + 4, c.what.index);
            }
        }
    }
    std::string shards_text(int r, command const& c) const {
        int const first = r * (plan_.settings.shards / plan_.settings.replicas);
        std::string const last = c.last_shard - c.first_shard > 1 ? " to " + std::to_string(first + c.last_shard - 1) : "";
        return "shard " + std::to_string(first + c.first_shard) + last;
    }

    void draw_axis(double y) {
        double const unit = std::pow(10.0, std::floor(std::log10(std::max(times_.end(), 1e-3) / 3)));
        double const step = unit * (times_.end() / unit > 15 ? 5 : times_.end() / unit > 6 ? 2 : 1);
        append("<path d=\"M%.0f %.1f H%.0f\" stroke=\"#1f2430\"/>\n", left, y, width - right);
        for (double time = 0; time <= times_.end(); time += step) {
            append("<path d=\"M%.1f %.1f v5\" stroke=\"#1f2430\"/>\n", x_of(time), y);
            char label[32];
            std::snprintf(label, sizeof label, "%g", time);
            text(x_of(time), y + 18, "middle", 11, label);
        }
        text(left - 10, y + 18, "end", 11, "microseconds");
    }
    void draw_legend(double y) {
        double x = left;
        auto const entry = [&](char const* colour, std::string const& what) {
            append("<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"14\" fill=\"%s\"/>\n", x, y - 11, colour);
            text(x + 20, y, "start", 12, what);
            x += 40 + 6.6 * static_cast<double>(what.size());
        };
        entry("hsl(212,60%,62%)", "forward, numbered by layer");
        entry("hsl(212,55%,78%)", "backward");
        entry("#475066", "reduction and update of a bucket, by its number");
        append("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", x + 7, y - 4);
        text(x + 20, y, "start", 12, "arrival at an event");
    }

    plan const& plan_;
    expected_times times_;
    std::string svg_;
};

} // namespace detail

/// A plan's training step as a picture: two rows for each replica, its passes and what follows them, in the times that
/// are expected on a host's core or on what `rates` describe.
inline std::string to_svg(plan const& p, device_rates const& rates = cpu_host.device) {
    return detail::schedule_picture(p, rates).draw();
}

} // namespace lockstep
