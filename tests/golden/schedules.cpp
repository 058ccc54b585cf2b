// SPDX-License-Identifier: MIT
#include "reference.hpp"
#include "table.hpp"

#include <lockstep/train/schedule.hpp>

#include <sstream>

namespace {

using namespace tests;
namespace schedule = ls::schedule;

double number(ls::safetensors_file const& file, char const* key) { return std::stod(file.metadata().at(key)); }
std::int64_t count(ls::safetensors_file const& file, char const* key) { return std::stoll(file.metadata().at(key)); }

/// PyTorch computes most rates from the last ones, we from the step.
void compare_rates(auto const& rates, ls::safetensors_file const& file) {
    auto const expected = file.as<double>("learning_rates");
    std::vector<double> found;
    for (std::size_t step = 0; step < expected.size(); ++step) found.push_back(rates(static_cast<std::int64_t>(step)));
    for (std::size_t step = 0; step < expected.size(); ++step) {
        INFO("step ", step);
        CHECK(std::abs(found[step] - expected[step]) <= 1e-10 * expected[step]);
    }
}

void step(ls::safetensors_file const& file) {
    compare_rates(schedule::step_decay{number(file, "base_lr"), count(file, "step_size"), number(file, "gamma")}, file);
}

void multi_step(ls::safetensors_file const& file) {
    schedule::multi_step_decay rates{number(file, "base_lr"), {}, number(file, "gamma")};
    std::istringstream milestones(file.metadata().at("milestones"));
    for (std::string each; std::getline(milestones, each, ',');) rates.milestones.push_back(std::stoll(each));
    CHECK(rates.milestones.size() == 3);
    compare_rates(rates, file);
}

void exponential(ls::safetensors_file const& file) {
    compare_rates(schedule::exponential_decay{number(file, "base_lr"), number(file, "gamma")}, file);
}

void cosine(ls::safetensors_file const& file) {
    compare_rates(schedule::cosine{number(file, "base_lr"), count(file, "t_max"), number(file, "eta_min")}, file);
}

void linear_warmup(ls::safetensors_file const& file) {
    compare_rates(schedule::linear{number(file, "base_lr"), count(file, "total"), number(file, "start_factor"),
                                   number(file, "end_factor")},
                  file);
}

void one_cycle(ls::safetensors_file const& file) {
    compare_rates(schedule::one_cycle{number(file, "max_lr"), count(file, "total_steps")}, file);
}

constexpr reference_case cases[] = {
    {"schedule_step", step},
    {"schedule_multi_step", multi_step},
    {"schedule_exponential", exponential},
    {"schedule_cosine", cosine},
    {"schedule_linear_warmup", linear_warmup},
    {"schedule_one_cycle", one_cycle},
};

added_cases const added(cases);

} // namespace
