// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/expression/math/root.hpp>
#include <lockstep/parallel/grid/devices.hpp>
#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/clip.hpp>
#include <lockstep/train/step_call.hpp>

#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

/// What a step does on devices beside the model's operations. All of it is written to the memory of several replicas at
/// once, of those that can be reached.
namespace lockstep::grid {

using lockstep::detail::accumulation;

/// The same place in the memory of several replicas. Nothing of it, and so no kernel, depends on how many there are: the
/// compiler makes one code of an update for all of them, whose products and sums it joins in one way.
template <class T>
struct places {
    T* at[most_replicas] = {};
    int count = 0;

    constexpr void write(std::int64_t index, auto value) const {
        for (int r = 0; r < count; ++r) at[r][index] = value;
    }
};

/// What a shard's passes leave beside gradients.
struct shard_sums {
    double loss = 0.0, divisor = 0.0;
};

/// A shard's loss, and what it is divided by.
template <class T>
struct keep_sums : kernel_base<1> {
    struct argument {
        /// Of a shard that took no part, none.
        T const* loss = nullptr;
        /// Where nothing else counts, it is the number of samples.
        T const* divisor = nullptr;
        std::int64_t samples = 0;
        int shard = 0;
        places<shard_sums> results;
    };
    static constexpr std::int64_t units(argument const&) { return 1; }
    static constexpr void run(argument const& a, std::int64_t, auto const&, nothing_shared&) {
        shard_sums sums;
        if (a.loss != nullptr) {
            sums.loss = static_cast<double>(*a.loss);
            sums.divisor = a.divisor != nullptr ? static_cast<double>(*a.divisor) : static_cast<double>(a.samples);
        }
        a.results.write(a.shard, sums);
    }
};

/// What a step is told anew each time.
template <class Rules, class Clip>
struct step_values {
    std::uint32_t step = 0;
    /// The factor of the loss, and so of the shards' gradients.
    float loss_scale = 1.0f;
    /// The optimizer's formula for each group of parameters.
    Rules rules{};
    Clip clip{};
};

/// What the samples count whose gradients an update is the mean of.
template <int Shards>
constexpr double counted(shard_sums const* results, double const* before, accumulation how) {
    double const sum = sum_over_shards<Shards>([&](int s) { return results[s].divisor; });
    return (how.continues ? *before : 0.0) + sum;
}

constexpr bool is_finite(double value) { return value - value == 0.0; }

/// Keeps that for the batches that follow.
template <int Shards>
struct keep_counted : kernel_base<1> {
    struct argument {
        shard_sums const* results = nullptr;
        double* before = nullptr;
        accumulation how;
    };
    static constexpr std::int64_t units(argument const&) { return 1; }
    static constexpr void run(argument const& a, std::int64_t, auto const&, nothing_shared&) {
        *a.before = counted<Shards>(a.results, a.before, a.how);
    }
};

/// The sum of a replica's own shards' gradients, in the place of the first one's, where other replicas' are added to it later.
/// Where it waits for a later batch, it does so in a place of its own.
template <class T, int Shards>
struct add_own_gradients : kernel_base<1> {
    struct argument {
        std::int64_t begin = 0, end = 0;
        accumulation how;
        T* gradients[Shards] = {};
        /// Of earlier batches.
        T* accumulated = nullptr;
    };
    static constexpr std::int64_t units(argument const& a) { return a.end - a.begin; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        T const own = sum_over_shards<Shards>([&](int s) { return a.gradients[s][i]; });
        T* const to = a.how.waits ? a.accumulated : a.gradients[0];
        to[i] = a.how.continues ? a.accumulated[i] + own : own;
    }
};

/// Elements of a bucket that belong to one group of the optimizer, at their owner's. Their gradients are the sums of Summands
/// values: of all shards, or of one, which is the sum of all already. Rounded: what operations read of parameters that are
/// rounded, or void. Scales: a gradient with a number in it that is not finite changes nothing.
template <class T, int Summands, int Shards, int States, class Values, class Rounded, bool Scales>
struct slice {
    std::int64_t begin = 0, end = 0;
    int group = 0;
    accumulation how;
    bool is_sum = false;
    T const* gradients[Summands] = {};
    /// Of earlier batches, where the gradients do not contain them.
    T* accumulated = nullptr;
    places<T> mean, parameters;
    places<Rounded> rounded;
    T* states[States > 0 ? States : 1] = {};
    shard_sums const* results = nullptr;
    double const* before = nullptr;
    double const* norm = nullptr;
    Values const* values = nullptr;

    constexpr T sum(std::int64_t i) const {
        T const own = sum_over_shards<Summands>([&](int s) { return gradients[s][i]; });
        return how.continues && accumulated != nullptr ? accumulated[i] + own : own;
    }
    constexpr T divisor() const {
        T const count = is_sum ? T(1) : mean_divisor(static_cast<T>(counted<Shards>(results, before, how)));
        if constexpr (Scales) return count * static_cast<T>(values->loss_scale);
        else return count;
    }
    /// One code for those that reduce too and those that do not.
    [[gnu::noinline]] constexpr void update(std::int64_t i, T gradient) const {
        if constexpr (Scales)
            if (!is_finite(*norm)) return;
        auto const clip = values->clip.template function_for<T>(norm != nullptr ? *norm : 0.0);
        auto const rule = lockstep::detail::clipped_rule{clip, values->rules[static_cast<std::size_t>(group)]};
        [&]<std::size_t... State>(std::index_sequence<State...>) {
            T const value = rule(parameters.at[0][i], gradient, states[State][i]...);
            parameters.write(i, value);
            if constexpr (!std::is_void_v<Rounded>) rounded.write(i, value);
        }(std::make_index_sequence<static_cast<std::size_t>(States)>{});
    }
};

/// The mean of the shards' gradients and the optimizer's formula, in one pass; where gradients wait for a later batch, their
/// sum alone.
template <class Slice>
struct reduce_and_update : kernel_base<1> {
    using argument = Slice;
    static constexpr std::int64_t units(argument const& a) { return a.end - a.begin; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        if (a.how.waits) a.accumulated[i] = a.sum(i);
        else a.update(i, a.sum(i) / a.divisor());
    }
};
/// The first half of it.
template <class Slice>
struct reduce_to_mean : kernel_base<1> {
    using argument = Slice;
    static constexpr std::int64_t units(argument const& a) { return a.end - a.begin; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        if (a.how.waits) a.accumulated[i] = a.sum(i);
        else a.mean.write(i, a.sum(i) / a.divisor());
    }
};
/// And the second.
template <class Slice>
struct update_from_mean : kernel_base<1> {
    using argument = Slice;
    static constexpr std::int64_t units(argument const& a) { return a.end - a.begin; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        a.update(a.begin + unit, a.mean.at[0][a.begin + unit]);
    }
};

/// Sums of squares of blocks of the mean gradient, a replica's share of them.
template <class T>
struct measure_blocks : kernel_base<256> {
    struct argument {
        T const* mean = nullptr;
        std::int64_t elements = 0, first_block = 0, last_block = 0;
        places<double> squares;
    };
    static constexpr std::int64_t units(argument const& a) { return a.last_block - a.first_block; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const& group, nothing_shared&) {
        constexpr int block = static_cast<int>(lockstep::detail::norm_block);
        std::int64_t const first = (a.first_block + unit) * block;
        double const sum = group.template sum<block, double>([&](int i) {
            double const value = first + i < a.elements ? static_cast<double>(a.mean[first + i]) : 0.0;
            return value * value;
        });
        group.phase([&](int member) {
            if (member == 0) a.squares.write(a.first_block + unit, sum);
        });
    }
};
/// The norm of all of it.
template <int Blocks>
struct add_blocks : kernel_base<256> {
    struct argument {
        double const* squares = nullptr;
        double* norm = nullptr;
    };
    static constexpr std::int64_t units(argument const&) { return 1; }
    static constexpr void run(argument const& a, std::int64_t, auto const& group, nothing_shared&) {
        double const sum = group.template sum<Blocks, double>([&](int i) { return a.squares[i]; });
        group.phase([&](int member) {
            if (member == 0) *a.norm = math::sqrt(sum);
        });
    }
};

/// What the shards of a batch observed of a state, to where it is.
template <class T, int Shards>
struct merge_state : kernel_base<1> {
    struct argument {
        std::int64_t begin = 0, size = 0;
        merge_rule rule;
        T const* observations[Shards] = {};
        std::int64_t samples[Shards] = {};
        places<T> states;
    };
    static constexpr std::int64_t units(argument const& a) { return a.size; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        std::int64_t total = 0;
        for (std::int64_t const each : a.samples) total += each;
        auto const seen = [&](int s) { return lockstep::detail::observed_by(a.rule, a.observations[s][i], a.samples[s]); };
        T observed = seen(0);
        if (a.rule.how == merge_kind::maximum) {
            for (int s = 1; s < Shards; ++s) observed = seen(s) > observed ? seen(s) : observed;
        } else observed = sum_over_shards<Shards>(seen);
        T state = a.states.at[0][i];
        lockstep::detail::merge_into(state, observed, static_cast<T>(total), a.rule);
        a.states.write(i, state);
    }
};

/// What a shard observed of a state, to where others' observations are added to it.
template <class T>
struct observe_state : kernel_base<1> {
    struct argument {
        std::int64_t begin = 0, size = 0, samples = 0;
        merge_rule rule;
        T const* observation = nullptr;
        T* observed = nullptr;
    };
    static constexpr std::int64_t units(argument const& a) { return a.size; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        a.observed[i] = lockstep::detail::observed_by(a.rule, a.observation[i], a.samples);
    }
};
/// And what all shards of a batch of so many samples have observed, to where the state is.
template <class T>
struct merge_observed : kernel_base<1> {
    struct argument {
        std::int64_t begin = 0, size = 0, samples = 0;
        merge_rule rule;
        T const* observed = nullptr;
        T* states = nullptr;
    };
    static constexpr std::int64_t units(argument const& a) { return a.size; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const i = a.begin + unit;
        lockstep::detail::merge_into(a.states[i], a.observed[i], static_cast<T>(a.samples), a.rule);
    }
};

/// A collective operation: the sum over all shards of a value, to each of a replica's own shards.
template <class T, int Shards>
struct add_shards : kernel_base<1> {
    struct argument {
        std::int64_t size = 0;
        T const* values[Shards] = {};
        T* sums[Shards] = {};
        int count = 0;
    };
    static constexpr std::int64_t units(argument const& a) { return a.size; }
    static constexpr void run(argument const& a, std::int64_t unit, auto const&, nothing_shared&) {
        T const sum = sum_over_shards<Shards>([&](int s) { return a.values[s][unit]; });
        for (int s = 0; s < a.count; ++s) a.sums[s][unit] = sum;
    }
};

} // namespace lockstep::grid
