// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/train/optimizer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lockstep {

/// An optimizer that keeps an exponential moving average a of every parameter p beside what it does (Polyak and
/// Juditsky 1992; PyTorch's AveragedModel with get_ema_multi_avg_fn), behind each step
///
///   a <- decay a + (1 - decay) p           (a <- p in the first step)
///
/// It goes around all others: averaged{adamw{}, 0.999}, averaged{parameter_groups{...}}. averaged_weights puts a in
/// the place of p. What is not trained, such as running statistics, has no average.
template <class Optimizer>
struct averaged {
    Optimizer optimizer;
    double decay = 0.999;

    /// Values kept for every parameter: a, and those of the optimizer.
    static constexpr int states = 1 + Optimizer::states;
    static constexpr int average_state = 0;
    static constexpr auto state_names = [] {
        std::array<char const*, states> names{"average"};
        for (std::size_t i = 1; i < names.size(); ++i) names[i] = Optimizer::state_names[i - 1];
        return names;
    }();

    template <class T>
    struct rule {
        typename Optimizer::template rule<T> optimizer;
        T kept, fresh;

        constexpr T operator()(T parameter, T gradient, T& average, auto&... own) const {
            T const moved = optimizer(parameter, gradient, own...);
            average = kept * average + fresh * moved;
            return moved;
        }
    };

    static constexpr int groups = group_count<Optimizer>();
    static constexpr int group_of(void const* tag) { return group_of_tag<Optimizer>(tag); }
    template <class Model, class Plan>
    static constexpr bool is_part_of = groups_are_part_of<Optimizer, Model, Plan>();

    /// `step` counts from 0.
    template <class T>
    rule<T> rule_for(std::uint64_t step, int group) const {
        double const kept = step == 0 ? 0.0 : decay;
        return {rule_of_group<T>(optimizer, step, group), static_cast<T>(kept), static_cast<T>(1.0 - kept)};
    }

    double learning_rate() const { return learning_rate_of(optimizer); }
    void set_learning_rate(double rate) { lockstep::set_learning_rate(optimizer, rate); }
};
template <class Optimizer>
averaged(Optimizer) -> averaged<Optimizer>;
template <class Optimizer>
averaged(Optimizer, double) -> averaged<Optimizer>;

/// As long as it lives, a model has the averaged weights of its training, for evaluation, use or saving; then those
/// that are trained are back. A step meanwhile is a usage_error, and so are averages before the first step. A
/// checkpoint saved meanwhile has averages as its parameters: for use, not to go on from.
///
///   {
///       averaged_weights const in_use{trainer};
///       result = trainer.evaluate(test);
///   }
template <class Trainer>
class averaged_weights {
public:
    explicit averaged_weights(Trainer& trainer) : trainer_(&trainer) { trainer.swap_average(); }
    averaged_weights(averaged_weights const&) = delete;
    averaged_weights& operator=(averaged_weights const&) = delete;
    ~averaged_weights() { trainer_->swap_average(); }

private:
    Trainer* trainer_;
};

} // namespace lockstep
