// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/parallel/devices.hpp>
#include <lockstep/parallel/parallel.hpp>
#include <lockstep/train/sgd.hpp>
#include <lockstep/train/trainer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// Samples around a place for each class, so that a model can learn them.
template <class T, class Shape>
struct samples {
    ls::tensor<T, Shape> inputs;
    std::vector<std::int32_t> targets;

    samples(std::int64_t count, int classes, unsigned seed) : inputs(count) {
        std::mt19937 generator(seed);
        std::normal_distribution<double> normal;
        for (std::int64_t i = 0; i < count; ++i) {
            targets.push_back(static_cast<std::int32_t>(generator() % static_cast<unsigned>(classes)));
            int feature = 0;
            for (T& value : inputs[i])
                value = static_cast<T>(0.7 * normal(generator) + (feature++ % classes == targets.back() ? 1.0 : 0.0));
        }
    }

    ls::batch_view<T, Shape> batch(std::int64_t first, std::int64_t count) const {
        return {inputs.view().slice(first, count),
                std::span<std::int32_t const>(targets).subspan(static_cast<std::size_t>(first),
                                                               static_cast<std::size_t>(count))};
    }
    /// A process' part of a batch of the last `count` samples.
    ls::batch_view<T, Shape> part_of(std::int64_t count, int rank, int processes) const {
        ls::sample_range const part = ls::shard_of(count, rank, processes);
        auto part_batch = batch(inputs.count() - count + part.first, part.count);
        part_batch.whole = count;
        part_batch.offset = part.first;
        return part_batch;
    }
};

/// What a training leaves behind.
template <class T>
struct outcome {
    std::vector<double> losses;
    std::vector<T> parameters;
    /// All that the optimizer keeps.
    std::vector<T> states;

    bool is_finite() const {
        auto finite = [](auto const& values) {
            return std::ranges::all_of(values, [](auto value) { return std::isfinite(value); });
        };
        return finite(losses) && finite(parameters) && finite(states);
    }
    /// The same bits; two NaN would differ.
    friend bool operator==(outcome const&, outcome const&) = default;
};

template <class T>
void compare(outcome<T> const& found, outcome<T> const& expected) {
    CHECK(found.is_finite());
    CHECK(found.losses == expected.losses);
    CHECK(found.parameters == expected.parameters);
    CHECK(found.states == expected.states);
}

/// Another order of additions, and nothing else.
template <class T>
void check_close(outcome<T> const& found, outcome<T> const& expected, double bound = sizeof(T) == 8 ? 1e-12 : 2e-4) {
    auto const difference = [](auto const& a, auto const& b) {
        REQUIRE(a.size() == b.size());
        double largest = 0.0;
        for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i] - b[i])));
        return largest;
    };
    CHECK(found.is_finite());
    CHECK(difference(found.losses, expected.losses) < bound);
    CHECK(difference(found.parameters, expected.parameters) < bound);
    CHECK(difference(found.states, expected.states) < bound);
}

template <class Trainer>
auto outcome_of(Trainer& trainer) {
    using T = typename Trainer::element;
    auto const count = trainer.model().parameter_elements();
    outcome<T> result;
    result.parameters.assign(trainer.model().parameters(), trainer.model().parameters() + count);
    for (int s = 0; s < std::remove_cvref_t<decltype(trainer.optimizer())>::states; ++s)
        result.states.insert(result.states.end(), trainer.optimizer_state(s),
                             trainer.optimizer_state(s) + trainer.training_plan.trained_elements);
    return result;
}

/// How a step is called.
enum class way { whole, by_parts };

/// Returns the loss.
template <class Trainer, class Batch>
double take_step(Trainer& trainer, Batch const& batch, way how) {
    if (how == way::whole) return trainer.step(batch);
    double const loss = trainer.forward(batch);
    trainer.backward();
    trainer.reduce();
    trainer.update();
    return loss;
}

/// 50 steps on full batches, short ones, and batches that leave shards empty. `clip` is nothing or one clip.
template <class Model, class Devices, class... Policies, class Optimizer, class... Clip>
auto train_with(way how, Optimizer const& optimizer, Clip const&... clip) {
    using model_type = ls::parallel<Model, Devices, Policies...>;
    using T = typename model_type::element;
    constexpr int classes = static_cast<int>(Model::output_shape::size);
    samples<T, typename Model::input_shape> const data(16, classes, 11);
    model_type model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, clip...};
    std::vector<double> losses;
    constexpr std::int64_t counts[] = {16, 16, 13, 1, 2, 3, 16, 5, 4, 15};
    for (int step = 0; step < 50; ++step) {
        std::int64_t const count = counts[step % 10];
        auto const batch = data.batch(16 - count, count);
        losses.push_back(take_step(trainer, batch, how));
    }
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

template <class Model, class Devices, class... Policies>
auto train(way how = way::whole) {
    return train_with<Model, Devices, Policies...>(
        how, ls::sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true});
}

} // namespace tests
