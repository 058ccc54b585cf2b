// SPDX-License-Identifier: MIT
// Running statistics and other states: what they are after steps, on any number of replicas, in use and in files.
#include "training.hpp"
#include "watched.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/checkpoint.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

constexpr int features = 5, classes = 3;

/// The number of a parameter with a name; -1 where there is none.
template <class Model>
int number_of(std::string const& name) {
    for (int i = 0; i < static_cast<int>(Model::layout.parameters.size()); ++i)
        if (ls::name_of(Model::layout.parameters[i]) == name) return i;
    return -1;
}
template <class Model>
std::vector<double> named(Model const& model, std::string const& name) {
    REQUIRE(number_of<Model>(name) >= 0);
    auto const values = model.parameter(number_of<Model>(name));
    return std::vector<double>(values.begin(), values.end());
}

void compare_values(std::vector<double> const& found, std::vector<double> const& expected, double tolerance) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) <= tolerance);
}

/// Mean and unbiased variance of a feature of samples first to first + count - 1; of a single one the variance is 0.
struct moments {
    double mean = 0.0, variance = 0.0;
};
moments moments_of(samples<double, shape<features>> const& data, std::int64_t first, std::int64_t count, int feature) {
    moments result;
    for (std::int64_t n = first; n < first + count; ++n)
        result.mean += data.inputs[n][feature] / static_cast<double>(count);
    for (std::int64_t n = first; n < first + count; ++n)
        result.variance += std::pow(data.inputs[n][feature] - result.mean, 2);
    if (count > 1) result.variance /= static_cast<double>(count - 1);
    return result;
}

/// The mean over shards of what each observes, as often as it has samples, taken over with momentum 0.1.
template <int Replicas>
void compare_running() {
    using net = sequential<shape<features>, ls::batch_norm<>, ls::linear<classes>>;
    ls::parallel<net, ls::cpu_devices<Replicas, ls::host::portable>, ls::element<double>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<7>};
    samples<double, shape<features>> const data(7, classes, 3);
    std::vector<double> mean(features, 0.0), variance(features, 1.0);
    CHECK(named(model, "0.running_mean") == mean);
    CHECK(named(model, "0.running_var") == variance);
    for (std::int64_t const count : {7, 6, 1, 7, 2, 3}) {
        trainer.step(data.batch(7 - count, count));
        for (int f = 0; f < features; ++f) {
            moments observed;
            for (int s = 0; s < Replicas; ++s) {
                ls::sample_range const part = ls::shard_of(count, s, Replicas);
                if (part.count == 0) continue;
                moments const own = moments_of(data, 7 - count + part.first, part.count, f);
                double const share = static_cast<double>(part.count) / static_cast<double>(count);
                observed.mean += share * own.mean;
                observed.variance += share * own.variance;
            }
            auto const i = static_cast<std::size_t>(f);
            mean[i] = 0.9 * mean[i] + 0.1 * observed.mean;
            variance[i] = 0.9 * variance[i] + 0.1 * observed.variance;
        }
        compare_values(named(model, "0.running_mean"), mean, 1e-14);
        compare_values(named(model, "0.running_var"), variance, 1e-14);
    }
    // In use the running statistics take the batch's place.
    auto const scale = named(model, "0.weight"), shift = named(model, "0.bias"), weight = named(model, "1.weight"),
               bias = named(model, "1.bias");
    auto const scores = model(data.inputs);
    for (std::int64_t n = 0; n < 7; ++n)
        for (int c = 0; c < classes; ++c) {
            double expected = bias[static_cast<std::size_t>(c)];
            for (std::size_t f = 0; f < features; ++f)
                expected += weight[static_cast<std::size_t>(c) * features + f] *
                            ((data.inputs[n][f] - mean[f]) / std::sqrt(variance[f] + 1e-5) * scale[f] + shift[f]);
            CHECK(scores[n][static_cast<std::size_t>(c)] == doctest::Approx(expected).epsilon(1e-12));
        }
}

using normalized_net =
    sequential<shape<2, 4, 3>, ls::conv2d<4, 3, ls::padding<1>, ls::no_bias>, ls::batch_norm<>, ls::relu,
               ls::dropout<0.2>, ls::residual<ls::conv2d<4, 1>, ls::batch_norm<ls::no_affine>, ls::relu>,
               ls::flatten, ls::linear<9>, ls::batch_norm<ls::momentum<0.3>>, ls::tanh, ls::linear<classes>>;

} // namespace

TEST_CASE("running statistics are what plain loops compute") {
    compare_running<1>();
    compare_running<2>();
    compare_running<4>();
}

TEST_CASE("the same running statistics, bit by bit, on any number of replicas") {
    // Short batches and those that leave shards empty are among them.
    auto const one = train<normalized_net, ls::cpu_devices<1>, ls::reproducible<4>>();
    CHECK(one.losses.back() < one.losses.front());
    compare(train<normalized_net, ls::cpu_devices<2>, ls::reproducible<4>>(), one);
    compare(train<normalized_net, ls::cpu_devices<4>, ls::reproducible<4>>(), one);
    compare(train<normalized_net, ls::cpu_devices<4>, ls::reproducible<4>>(way::by_parts), one);
    // They do depend on the shards.
    CHECK(train<normalized_net, ls::cpu_devices<1>, ls::reproducible<2>>().parameters != one.parameters);
}

namespace {

template <int Replicas>
void compare_watched() {
    using net = sequential<shape<features>, watched, ls::linear<classes>>;
    ls::parallel<net, ls::cpu_devices<Replicas>, ls::reproducible<4>, ls::element<double>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<7>};
    samples<double, shape<features>> const data(7, classes, 3);
    double count = 0.0;
    std::vector<double> expected(features, 0.0);
    for (std::int64_t const samples : {1, 2, 7, 3, 5}) {
        trainer.step(data.batch(0, samples));
        count += static_cast<double>(samples);
        for (std::int64_t n = 0; n < samples; ++n)
            for (std::size_t f = 0; f < features; ++f) expected[f] = std::max(expected[f], data.inputs[n][f]);
        CHECK(named(model, "0.seen") == std::vector{count});
        CHECK(named(model, "0.largest") == expected);
    }
}

} // namespace

TEST_CASE("states of a user's layer are sums and maxima of what the shards saw") {
    compare_watched<1>();
    compare_watched<2>();
    compare_watched<4>();
}

namespace {

/// A file that is gone when its test is over.
struct temporary_file {
    std::string path;
    explicit temporary_file(std::string const& name) : path((std::filesystem::temp_directory_path() / name).string()) {}
    ~temporary_file() { std::filesystem::remove(path); }
};

using saved_net = sequential<shape<features>, ls::linear<4>, ls::batch_norm<>, ls::tanh, ls::linear<classes>>;
using saved_model = ls::parallel<saved_net, ls::cpu_devices<2>>;

} // namespace

TEST_CASE("a checkpoint holds running statistics, and training goes on as if nothing had happened") {
    temporary_file const file("lockstep_statistics.safetensors");
    samples<float, shape<features>> const data(8, classes, 3);
    ls::sgd const optimizer{.learning_rate = 0.1, .momentum = 0.9};
    saved_model model{ls::seed{1}}, other{ls::seed{2}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<8>};
    ls::trainer restored{other, ls::cross_entropy{}, optimizer, ls::batch_size<8>};
    for (int step = 0; step < 3; ++step) trainer.step(data.batch(0, 8));
    ls::save_checkpoint(file.path, trainer, 1);

    auto const saved = ls::safetensors_file::read(file.path);
    CHECK(saved.find("1.running_mean") != nullptr);
    CHECK(saved.find("1.running_var") != nullptr);
    CHECK(saved.find("optimizer.momentum.1.weight") != nullptr);
    CHECK(saved.find("optimizer.momentum.1.running_mean") == nullptr);

    ls::load_checkpoint(file.path, restored);
    CHECK(outcome_of(restored) == outcome_of(trainer));
    CHECK(named(other, "1.running_var") != std::vector<double>(4, 1.0));
    for (std::int64_t const count : {8, 3, 1})
        CHECK(restored.step(data.batch(0, count)) == trainer.step(data.batch(0, count)));
    CHECK(outcome_of(restored) == outcome_of(trainer));
}

TEST_CASE("PyTorch's count of batches in a file is no difference, anything else that is too much is") {
    temporary_file const file("lockstep_tracked.safetensors");
    saved_model model{ls::seed{1}}, other{ls::seed{2}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>};
    ls::trainer restored{other, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>};
    auto states = ls::detail::optimizer_states_of(trainer);
    auto const tensors = ls::detail::tensors_of(trainer, states);
    auto write_with = [&](std::string const& name, auto count) {
        std::vector<decltype(count)> const counts{count};
        std::vector<std::vector<float>> values;
        std::vector<ls::tensor_entry> entries;
        values.reserve(tensors.size());
        for (auto const& each : tensors) {
            if (each.name.starts_with("optimizer.")) continue;
            values.push_back(ls::to_saved_order<float>(*each.parameter, each.memory));
            entries.push_back(ls::make_entry<float>(each.name, each.shape(), std::span<float const>(values.back())));
        }
        entries.push_back(ls::make_entry<decltype(count)>(name, {}, std::span<decltype(count) const>(counts)));
        ls::write_safetensors(file.path, {}, entries);
    };
    write_with("1.num_batches_tracked", std::int64_t{12});
    ls::load_checkpoint(file.path, restored);
    CHECK(outcome_of(restored).parameters == outcome_of(trainer).parameters);
    for (std::string const name : {"1.batches_tracked", "num_batches_tracked.1"}) {
        write_with(name, std::int64_t{12});
        CHECK_THROWS_AS(ls::load_checkpoint(file.path, restored), ls::data_error);
    }
}
