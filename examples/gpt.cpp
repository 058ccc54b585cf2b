// SPDX-License-Identifier: MIT
// Trains a small GPT on the bytes of a text, on all cores of this machine, and lets it write some.

#include "models/gpt.hpp"
#include "models/text.hpp"

#include <lockstep/lockstep.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ls = lockstep;

constexpr int positions = 64;
constexpr int samples_a_batch = 16;
using net = models::gpt<256, positions, 128, 4, 3>;

struct options {
    std::string text = "/usr/share/common-licenses/GPL-3";
    int steps = 600;
    int report = 50;
    std::uint64_t seed = 1;
    double learning_rate = 2e-3;
    double weight_decay = 0.1;
    int generate = 400;
    std::string prompt = "This program is";
    double temperature = 0.7;
    std::string save;
    std::string plan;
};

std::string contents_of(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!(text << file.rdbuf())) throw ls::data_error("cannot read " + path);
    return text.str();
}

/// One of the classes, as probable as softmax(scores / temperature) says; u is uniform in [0, 1).
int draw(std::span<float const> scores, double temperature, double u) {
    double const largest = *std::ranges::max_element(scores);
    std::vector<double> sums;
    double sum = 0.0;
    for (float const score : scores) sums.push_back(sum += std::exp((score - largest) / temperature));
    auto const found = std::ranges::upper_bound(sums, u * sum);
    return static_cast<int>(std::min(found, sums.end() - 1) - sums.begin());
}

/// The prompt and what the model writes behind it, byte by byte: it sees the last ones that fit.
template <class Model>
std::string write(Model& model, options const& o) {
    std::string text = o.prompt;
    ls::tensor<std::int32_t, net::input_shape> window(1);
    for (int i = 0; i < o.generate; ++i) {
        std::size_t const seen = std::min<std::size_t>(text.size(), positions);
        // What stands behind the last byte does not matter: attention is causal.
        for (std::size_t p = 0; p < seen; ++p)
            window.data()[p] = static_cast<unsigned char>(text[text.size() - seen + p]);
        auto const scores = model(window);
        auto const bits = ls::philox({static_cast<std::uint32_t>(i), 0, 0, 1}, ls::make_key(o.seed));
        text += static_cast<char>(
            draw(scores.elements().subspan((seen - 1) * 256, 256), o.temperature, ls::uniform(bits[0], bits[1])));
    }
    return text;
}

template <class Devices>
void run(options const& o) {
    // Four shards on any number of replicas: every machine writes the same text.
    ls::parallel<net, Devices, ls::reproducible<4>> model{ls::seed{o.seed}};
    ls::trainer trainer{model, ls::cross_entropy{}, models::transformer_optimizer(o.learning_rate, o.weight_decay),
                        ls::batch_size<samples_a_batch>, ls::clip_norm{1.0}};
    if (!o.plan.empty()) {
        ls::plan const& plan = trainer.training_plan;
        std::string const text = o.plan == "json"  ? ls::to_json(plan)
                                 : o.plan == "svg" ? ls::to_svg(plan)
                                                   : ls::to_text(plan);
        std::fputs(text.c_str(), stdout);
        return;
    }
    // What cannot be written is better known before the training than after it.
    if (!o.save.empty()) ls::atomic_file writable{o.save};

    // The text's last tenth tells whether more than its beginning was learned.
    std::string const text = contents_of(o.text);
    std::size_t const first_held_out = text.size() - text.size() / 10;
    models::text_windows<positions> training(std::string_view(text).substr(0, first_held_out));
    models::text_windows<positions> held_out(std::string_view(text).substr(first_held_out));

    std::int64_t const warmup = std::max(1, o.steps / 10);
    ls::schedule::sequence const rate{
        ls::schedule::linear{.learning_rate = o.learning_rate, .steps = warmup, .start = 0.01},
        ls::schedule::from{warmup, ls::schedule::cosine{.learning_rate = o.learning_rate,
                                                        .steps = std::max<std::int64_t>(1, o.steps - warmup),
                                                        .minimum = o.learning_rate / 10}}};
    double sum = 0.0;
    int summed = 0;
    for (int step = 1; step <= o.steps; ++step) {
        trainer.set_learning_rate(rate(step - 1));
        sum += trainer.step(training.draw(ls::seed{o.seed}, static_cast<std::uint32_t>(step), samples_a_batch));
        ++summed;
        if (step % o.report != 0 && step != o.steps) continue;
        std::array const all{held_out.all()};
        ls::evaluation const result = trainer.evaluate(all);
        std::printf("step %d/%d: training loss %.3f, held-out loss %.3f, next byte right %.3f\n", step, o.steps,
                    sum / summed, result.loss, result.accuracy);
        std::fflush(stdout);
        sum = 0.0, summed = 0;
    }
    if (!o.save.empty()) ls::save_checkpoint(o.save, trainer, 1);
    std::printf("\n%s\n", write(model, o).c_str());
}

int main(int argc, char** argv) {
    options o;
    CLI::App app{"Trains a small GPT on the bytes of a text and lets it write some.", "gpt"};
    app.add_option("--text", o.text, "a file")->check(CLI::ExistingFile)->capture_default_str();
    app.add_option("--steps", o.steps, "steps to train")->check(CLI::Range(1, 1000000))->capture_default_str();
    app.add_option("--report", o.report, "steps from one report to the next")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    app.add_option("--seed", o.seed, "of initial values, windows and the text that is written")->capture_default_str();
    app.add_option("--learning-rate", o.learning_rate, "the highest one")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--weight-decay", o.weight_decay)->check(CLI::NonNegativeNumber)->capture_default_str();
    app.add_option("--generate", o.generate, "bytes to write")->check(CLI::Range(0, 1000000))->capture_default_str();
    app.add_option("--prompt", o.prompt, "what the text begins with")
        ->check([](std::string const& text) { return text.empty() ? "expected at least one byte" : ""; })
        ->capture_default_str();
    app.add_option("--temperature", o.temperature, "below 1: more probable bytes")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--save", o.save, "where the model goes, a .safetensors file");
    app.add_flag("--plan{text}", o.plan, "prints the plan of a step and ends: as text, --plan=json or --plan=svg")
        ->check(CLI::IsMember({"text", "json", "svg"}));
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    try {
        ls::first_available<ls::cpu_devices<4>, ls::cpu_devices<2>, ls::cpu_devices<1>>(
            [&]<class Devices>(Devices) { run<Devices>(o); });
        return 0;
    } catch (ls::usage_error const& problem) {
        std::fprintf(stderr, "gpt: %s\n", problem.what());
        return 2;
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "gpt: %s\n", problem.what());
        return 1;
    }
}
