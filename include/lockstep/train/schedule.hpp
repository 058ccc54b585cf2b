// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <tuple>
#include <utility>
#include <vector>

/// Learning rates over time. A schedule is a value that is called with a step, counted from 0, and returns the rate:
/// trainer.set_learning_rate(schedule(epoch)). Steps are what the caller counts, epochs or batches. Each has its
/// closed form, so that a training resumed at any step has the rate that it would have had.
///
/// With a learning_rate of 1, as they are by default, they are factors, for product.
namespace lockstep::schedule {

/// learning_rate gamma^floor(step / step_size), PyTorch's StepLR.
struct step_decay {
    double learning_rate = 1.0;
    std::int64_t step_size = 1;
    double gamma = 0.1;

    double operator()(std::int64_t step) const {
        return learning_rate * std::pow(gamma, static_cast<double>(step / step_size));
    }
};

/// Times gamma at every milestone, PyTorch's MultiStepLR.
struct multi_step_decay {
    double learning_rate = 1.0;
    std::vector<std::int64_t> milestones;
    double gamma = 0.1;

    double operator()(std::int64_t step) const {
        auto const passed = std::ranges::count_if(milestones, [step](std::int64_t each) { return each <= step; });
        return learning_rate * std::pow(gamma, static_cast<double>(passed));
    }
};

/// learning_rate gamma^step, PyTorch's ExponentialLR.
struct exponential_decay {
    double learning_rate = 1.0;
    double gamma = 0.1;

    double operator()(std::int64_t step) const {
        return learning_rate * std::pow(gamma, static_cast<double>(step));
    }
};

/// From learning_rate down to `minimum` within `steps` steps along half a period of the cosine, and up again in the
/// next ones: PyTorch's CosineAnnealingLR, of Loshchilov and Hutter 2017 without its restarts.
struct cosine {
    double learning_rate = 1.0;
    std::int64_t steps = 1;
    double minimum = 0.0;

    double operator()(std::int64_t step) const {
        double const angle = std::numbers::pi * static_cast<double>(step) / static_cast<double>(steps);
        return minimum + (learning_rate - minimum) * (1.0 + std::cos(angle)) / 2.0;
    }
};

/// learning_rate times a factor that goes from `start` to `end` in equal parts within `steps` steps and stays there:
/// a warmup or a decay, PyTorch's LinearLR.
struct linear {
    double learning_rate = 1.0;
    std::int64_t steps = 5;
    double start = 1.0 / 3.0;
    double end = 1.0;

    double operator()(std::int64_t step) const {
        double const share = static_cast<double>(std::min(step, steps)) / static_cast<double>(steps);
        return learning_rate * (start + (end - start) * share);
    }
};

/// Smith and Topin 2018 as PyTorch's OneCycleLR: along half periods of the cosine from max_learning_rate /
/// div_factor up to max_learning_rate within the first pct_start of `steps` steps, and then down to the first rate /
/// final_div_factor at step `steps` - 1, where it stays. Momentum is left alone, as with cycle_momentum=False.
struct one_cycle {
    double max_learning_rate = 1.0;
    std::int64_t steps = 1;
    double pct_start = 0.3;
    double div_factor = 25.0;
    double final_div_factor = 1e4;

    double operator()(std::int64_t step) const {
        double const first = max_learning_rate / div_factor;
        double const peak = pct_start * static_cast<double>(steps) - 1.0, last = static_cast<double>(steps - 1);
        double const now = std::min(static_cast<double>(step), last);
        if (now <= peak) return between(first, max_learning_rate, peak > 0.0 ? now / peak : 1.0);
        return between(max_learning_rate, first / final_div_factor, (now - peak) / (last - peak));
    }

private:
    static double between(double start, double end, double share) {
        return end + (start - end) / 2.0 * (1.0 + std::cos(std::numbers::pi * share));
    }
};

/// In a sequence, the schedule from step `milestone` on, which counts from there.
template <class Schedule>
struct from {
    std::int64_t milestone;
    Schedule schedule;
};
template <class Schedule>
from(std::int64_t, Schedule) -> from<Schedule>;

/// One schedule after the other, PyTorch's SequentialLR:
///
///   sequence{linear{.learning_rate = 0.1, .steps = 5}, from{5, cosine{.learning_rate = 0.1, .steps = 85}}}
///
/// Milestones ascend.
template <class First, class... Rest>
class sequence {
public:
    explicit sequence(First first, from<Rest>... rest) : first_(std::move(first)), rest_(std::move(rest)...) {}

    double operator()(std::int64_t step) const {
        double rate = first_(step);
        std::apply([&](auto const&... each) {
            ((rate = step < each.milestone ? rate : each.schedule(step - each.milestone)), ...);
        }, rest_);
        return rate;
    }

private:
    First first_;
    std::tuple<from<Rest>...> rest_;
};
template <class First, class... Rest>
sequence(First, from<Rest>...) -> sequence<First, Rest...>;

/// The product of a rate and factors, PyTorch's ChainedScheduler:
///
///   product{exponential_decay{.learning_rate = 0.1, .gamma = 0.9}, linear{.steps = 5}}
template <class... Schedules>
class product {
public:
    explicit product(Schedules... factors) : factors_(std::move(factors)...) {}

    double operator()(std::int64_t step) const {
        return std::apply([step](auto const&... each) { return (each(step) * ...); }, factors_);
    }

private:
    std::tuple<Schedules...> factors_;
};

} // namespace lockstep::schedule
