// SPDX-License-Identifier: MIT
#pragma once

#include "measured_all_reduces.hpp"
#include "models/gpt.hpp"
#include "models/resnet.hpp"

#include <lockstep/lockstep.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

// What the cost models say about training on up to 1024 GPUs, as docs/scaling.md shows it: its tables, as Markdown.
namespace scaling {

namespace ls = lockstep;

template <class Model>
struct training {
    static constexpr ls::program build() {
        return ls::training_program<Model, ls::cross_entropy, ls::planning_only<float>>();
    }
};
/// With buckets of one parameter each, which join_buckets joins.
template <class Model, int Batch>
inline constexpr ls::plan const& plan_of =
    ls::static_plan<training<Model>, ls::plan_settings{1, 1, Batch, 4, ls::bucket_bytes<1>}>::value;

using resnet50 = models::resnet50<>;
using resnet101 = models::resnet101<>;
/// GPT-2's smallest, with a head of its own: 163 million parameters.
using gpt2 = models::gpt<50257, 1024, 768, 12, 12>;

struct workload {
    char const* name;
    ls::plan const& plan;
    ls::simulation_settings settings;
};
inline workload const resnet50_workload{"ResNet-50, 64 images a GPU", plan_of<resnet50, 64>, {}};
/// AdamW reads and writes 28 bytes for an element.
inline workload const gpt2_workload{"GPT-2, 8 x 1024 tokens a GPU", plan_of<gpt2, 8>, {.update_bytes = 28.0}};

inline constexpr std::array device_counts{1, 8, 16, 64, 256, 1024};

template <class... Values>
void append(std::string& text, char const* format, Values... values) {
    char line[256];
    std::snprintf(line, sizeof line, format, values...);
    text += line;
}

// ---- all-reduces that were measured ----

inline std::string bytes_text(std::int64_t bytes) {
    char const* const units[] = {"B", "KiB", "MiB", "GiB"};
    int unit = 0;
    for (; bytes >= 1024; bytes /= 1024) ++unit;
    return std::to_string(bytes) + " " + units[unit];
}

/// A row a size, a column a system: measured microseconds and the model's error.
inline std::string error_table(std::vector<measured_all_reduce> const& all) {
    std::string text = "| bytes |", rule = "\n|---|";
    for (measured_system const& s : measured_systems) {
        text += std::string(" ") + s.name + " |";
        rule += "---|";
    }
    text += rule + "\n";
    std::vector<std::int64_t> sizes;
    std::vector<double> errors;
    for (measured_all_reduce const& m : all) {
        if (std::ranges::count(sizes, m.bytes) == 0) sizes.push_back(m.bytes);
        errors.push_back(std::abs(error_of(m)));
    }
    std::ranges::sort(sizes);
    for (std::int64_t const bytes : sizes) {
        text += "| " + bytes_text(bytes) + " |";
        for (measured_system const& s : measured_systems) {
            auto const m = std::ranges::find_if(
                all, [&](measured_all_reduce const& each) { return each.bytes == bytes && each.system == s.name; });
            if (m == all.end()) text += " |";
            else append(text, " %.5g us %+.0f%% |", m->microseconds, 100.0 * error_of(*m));
        }
        text += "\n";
    }
    append(text, "\nOf %zu points: median error %.1f%%, largest %.1f%%.\n", all.size(), 100.0 * median(errors),
           100.0 * *std::ranges::max_element(errors));
    return text;
}

// ---- steps that were measured: PyTorch's benchmarks/distributed/ddp/README.md, 32 images a V100 ----

inline ls::predicted_step ddp_step(ls::plan const& plan, int devices, ls::bucket_bounds bounds,
                                   ls::simulation_settings const& settings) {
    return ls::step_simulation(plan, ls::v100_nvlink, settings)(devices, ls::join_buckets(plan.buckets, bounds, 4));
}

struct measured_step {
    char const* name;
    ls::plan const& plan;
    int devices;
    /// Whether DistributedDataParallel was used.
    bool ddp;
    double milliseconds;

    double predicted() const {
        return ddp_step(plan, devices, ls::ddp_buckets, {.copies_gradients = ddp}).total() / 1e3;
    }
};
inline std::array const measured_steps{
    measured_step{"ResNet-50, without DDP", plan_of<resnet50, 32>, 1, false, 97},
    measured_step{"ResNet-50", plan_of<resnet50, 32>, 1, true, 100},
    measured_step{"ResNet-50", plan_of<resnet50, 32>, 2, true, 103},
    measured_step{"ResNet-50", plan_of<resnet50, 32>, 8, true, 104},
    measured_step{"ResNet-50", plan_of<resnet50, 32>, 16, true, 104},
    measured_step{"ResNet-101, without DDP", plan_of<resnet101, 32>, 1, false, 162},
    measured_step{"ResNet-101", plan_of<resnet101, 32>, 1, true, 171},
    measured_step{"ResNet-101", plan_of<resnet101, 32>, 8, true, 179},
    measured_step{"ResNet-101", plan_of<resnet101, 32>, 16, true, 179}};

inline std::string measured_steps_table() {
    std::string text = "| 32 images a V100 | GPUs | measured, ms | predicted, ms | error |\n|---|---|---|---|---|\n";
    for (measured_step const& m : measured_steps)
        append(text, "| %s | %d | %.0f | %.1f | %+.1f%% |\n", m.name, m.devices, m.milliseconds, m.predicted(),
               100.0 * (m.predicted() / m.milliseconds - 1.0));
    return text;
}

/// How much faster reducing during the backward pass makes a ResNet-50's step on 32 V100, whose nodes are connected
/// with so many gigabytes a second.
inline double speedup_of_overlap(double rate) {
    ls::topology t = ls::v100_nvlink;
    t.between.rate = {0.0, 0.0, rate};
    ls::plan const& plan = plan_of<resnet50, 32>;
    auto const total = [&](bool overlap) {
        ls::step_simulation const simulation(plan, t, {.overlap = overlap, .copies_gradients = true});
        return simulation(32, ls::join_buckets(plan.buckets, ls::ddp_buckets, 4)).total();
    };
    return total(false) / total(true) - 1.0;
}

// ---- steps that were not ----

struct comparison {
    int devices;
    ls::predicted_step ddp, best;
    ls::bucket_bounds bounds;
    double ddp_efficiency, best_efficiency, efficiency_without_overlap;
};

inline comparison compare(workload const& w, ls::topology const& t, int devices) {
    ls::step_simulation const simulation(w.plan, t, w.settings);
    ls::simulation_settings afterwards = w.settings;
    afterwards.overlap = false;
    auto const ddp = ls::join_buckets(w.plan.buckets, ls::ddp_buckets, 4);
    ls::bucket_bounds const bounds = ls::best_buckets(w.plan, t, devices, w.settings);
    auto const best = ls::join_buckets(w.plan.buckets, bounds, 4);
    return {devices,
            simulation(devices, ddp),
            simulation(devices, best),
            bounds,
            simulation.efficiency(devices, ddp),
            simulation.efficiency(devices, best),
            ls::step_simulation(w.plan, t, afterwards).efficiency(devices, ddp)};
}

inline std::string step_table(workload const& w, ls::topology const& t) {
    std::string text = std::string("**") + w.name + ", " + t.name + "**\n\n";
    text += "| GPUs | DDP's buckets: step, ms | exposed, ms | efficiency | chosen first / others, MiB | step, ms | "
            "exposed, ms | efficiency | shorter by |\n|---|---|---|---|---|---|---|---|---|\n";
    for (int const devices : device_counts) {
        comparison const c = compare(w, t, devices);
        append(text, "| %d | %.2f | %.2f | %.1f%% | ", devices, c.ddp.total() / 1e3, c.ddp.exposed / 1e3,
               100.0 * c.ddp_efficiency);
        if (devices == 1) text += "any | ";
        else append(text, "%.3g / %.3g | ", static_cast<double>(c.bounds.first_bytes) / (1 << 20),
                    static_cast<double>(c.bounds.bytes) / (1 << 20));
        append(text, "%.2f | %.2f | %.1f%% | %.2f%% |\n", c.best.total() / 1e3, c.best.exposed / 1e3,
               100.0 * c.best_efficiency, 100.0 * (1.0 - c.best.total() / c.ddp.total()));
    }
    return text;
}

} // namespace scaling
