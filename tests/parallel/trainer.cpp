// SPDX-License-Identifier: MIT
// The trainer against a step written by hand, and what it does with batches that it cannot take.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/layer/max_pool2d.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/loader/loader.hpp>
#include <lockstep/loader/pipeline.hpp>
#include <lockstep/loader/tensor_dataset.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace {

using namespace tests;

constexpr int features = 6, hidden = 5, classes = 3;
using mlp = ls::sequential<ls::shape<features>, ls::linear<hidden>, ls::tanh, ls::linear<classes>>;

template <int Replicas>
using double_model = ls::parallel<mlp, ls::cpu_devices<Replicas, ls::host::portable>, ls::element<double>>;

/// The same model as loops over PyTorch's layouts: parameters 0.weight, 0.bias, 2.weight, 2.bias.
struct by_hand {
    std::vector<std::vector<double>> parameters, velocity, gradients;

    explicit by_hand(auto const& model) {
        for (int i = 0; i < 4; ++i) parameters.push_back(model.parameter(i));
        velocity = parameters;
        for (auto& values : velocity) std::ranges::fill(values, 0.0);
        gradients = velocity;
    }

    /// Returns the mean loss and leaves the mean gradients.
    double differentiate(ls::batch_view<double, ls::shape<features>> const& batch) {
        for (auto& values : gradients) std::ranges::fill(values, 0.0);
        double loss = 0.0;
        double const share = 1.0 / static_cast<double>(batch.count());
        for (std::int64_t n = 0; n < batch.count(); ++n) {
            auto const x = batch.inputs[n];
            double h[hidden], y[classes], dh[hidden] = {};
            for (int j = 0; j < hidden; ++j) {
                double sum = parameters[1][j];
                for (int k = 0; k < features; ++k) sum += parameters[0][j * features + k] * x[k];
                h[j] = std::tanh(sum);
            }
            double normalizer = 0.0;
            for (int c = 0; c < classes; ++c) {
                y[c] = parameters[3][c];
                for (int j = 0; j < hidden; ++j) y[c] += parameters[2][c * hidden + j] * h[j];
                normalizer += std::exp(y[c]);
            }
            int const target = batch.targets[static_cast<std::size_t>(n)];
            loss += share * (std::log(normalizer) - y[target]);
            for (int c = 0; c < classes; ++c) {
                double const dy = share * (std::exp(y[c]) / normalizer - (c == target ? 1.0 : 0.0));
                gradients[3][c] += dy;
                for (int j = 0; j < hidden; ++j) {
                    gradients[2][c * hidden + j] += dy * h[j];
                    dh[j] += dy * parameters[2][c * hidden + j];
                }
            }
            for (int j = 0; j < hidden; ++j) {
                double const before = dh[j] * (1.0 - h[j] * h[j]);
                gradients[1][j] += before;
                for (int k = 0; k < features; ++k) gradients[0][j * features + k] += before * x[k];
            }
        }
        return loss;
    }
    void update(double rate, double momentum) {
        for (std::size_t p = 0; p < 4; ++p)
            for (std::size_t i = 0; i < parameters[p].size(); ++i) {
                velocity[p][i] = momentum * velocity[p][i] + gradients[p][i];
                parameters[p][i] -= rate * velocity[p][i];
            }
    }
};

void compare(std::vector<double> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) largest = std::max(largest, std::abs(found[i] - expected[i]));
    CHECK(largest < 1e-12);
}

/// Steps of a trainer and of the loops, on batches of the given sizes.
template <int Replicas, int Batch>
void compare_steps(std::vector<std::int64_t> const& counts) {
    double_model<Replicas> model{ls::seed{5}};
    by_hand reference(model);
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1, .momentum = 0.8}, ls::batch_size<Batch>};
    samples<double, ls::shape<features>> const data(Batch, classes, 2);
    for (std::int64_t const count : counts) {
        auto const batch = data.batch(Batch - count, count);
        double const expected = reference.differentiate(batch);
        CHECK(trainer.forward(batch) == doctest::Approx(expected).epsilon(1e-13));
        CHECK(trainer.loss() == doctest::Approx(expected).epsilon(1e-13));
        trainer.backward();
        trainer.reduce();
        for (int i = 0; i < 4; ++i) compare(trainer.gradient(i), reference.gradients[i]);
        trainer.update();
        reference.update(0.1, 0.8);
        for (int i = 0; i < 4; ++i) compare(model.parameter(i), reference.parameters[i]);
    }
    // And the whole step.
    auto const batch = data.batch(0, Batch);
    CHECK(trainer.step(batch) == doctest::Approx(reference.differentiate(batch)).epsilon(1e-13));
    reference.update(0.1, 0.8);
    for (int i = 0; i < 4; ++i) compare(model.parameter(i), reference.parameters[i]);
    CHECK(trainer.steps() == counts.size() + 1);
}

/// Whatever `call` throws as Error, as text; else "nothing".
template <class Error>
std::string message(auto&& call) {
    try {
        call();
    } catch (Error const& error) {
        return error.what();
    }
    return "nothing";
}

} // namespace

TEST_CASE("a step is what plain loops compute") {
    // 13 samples on 4 replicas are shards of 3, 3, 3 and 4.
    compare_steps<4, 13>({13, 1, 2, 3, 12, 13, 5});
    compare_steps<2, 1>({1, 1, 1});
}

TEST_CASE("a batch that the trainer cannot take is an error that says why, and changes nothing") {
    double_model<2> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<4>};
    samples<double, ls::shape<features>> data(9, classes, 2);
    auto const before = outcome_of(trainer);

    CHECK(message<ls::usage_error>([&] { trainer.step(data.batch(0, 5)); }) ==
          "trainer: expected a batch of 1 to 4 samples, found 5");
    CHECK(message<ls::usage_error>([&] { trainer.step(data.batch(0, 0)); }) ==
          "trainer: expected a batch of 1 to 4 samples, found 0");
    auto uneven = data.batch(0, 4);
    uneven.targets = uneven.targets.first(3);
    CHECK(message<ls::usage_error>([&] { trainer.step(uneven); }) == "trainer: a batch of 4 samples has 3 targets");
    data.targets[2] = classes;
    std::string const out_of_range = "trainer: sample 2 of the batch has target 3, expected 0 to 2";
    CHECK(message<ls::data_error>([&] { trainer.step(data.batch(0, 4)); }) == out_of_range);
    CHECK(message<ls::data_error>([&] { trainer.forward(data.batch(0, 4)); }) == out_of_range);
    data.targets[2] = -1;
    CHECK(message<ls::data_error>([&] { trainer.step(data.batch(0, 4)); }) ==
          "trainer: sample 2 of the batch has target -1, expected 0 to 2");
    CHECK(outcome_of(trainer) == before);
    CHECK(trainer.steps() == 0);

    // The next good batch is welcome.
    data.targets[2] = 0;
    CHECK(std::isfinite(trainer.step(data.batch(0, 4))));
    CHECK(trainer.steps() == 1);
    CHECK(outcome_of(trainer) != before);
}

namespace {

/// x, but a large value is a failure in the middle of a step.
struct refuse {
    static constexpr char const* name = "refuse";
    template <class T>
    static T apply(T x) {
        if (x > T(1000)) throw ls::data_error("a value above 1000");
        return x;
    }
    template <int Operand>
    static constexpr auto gradient(auto, auto upstream, auto) {
        return upstream * ls::literal<1.0>{};
    }
};
struct refusing {
    template <ls::expression X>
    constexpr auto operator()(X) const {
        return ls::apply<refuse, X>{};
    }
};

} // namespace

TEST_CASE("a replica that fails stops the step, and nobody waits for it") {
    using net = ls::sequential<ls::shape<features>, refusing, ls::linear<classes>>;
    ls::parallel<net, ls::cpu_devices<3>> model{ls::seed{1}};
    samples<float, ls::shape<features>> const good(12, classes, 2);
    for (std::int64_t const broken : {0, 5, 11}) {
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<12>};
        trainer.step(good.batch(0, 12));
        auto const before = outcome_of(trainer);
        samples<float, ls::shape<features>> bad(12, classes, 2);
        bad.inputs[broken][3] = 2000.0f;
        CHECK(message<ls::replica_error>([&] { trainer.step(bad.batch(0, 12)); }) ==
              "replica " + std::to_string(broken / 4) + ", operation 0 (refuse, group 0): a value above 1000");
        CHECK(outcome_of(trainer) == before);
        CHECK(message<ls::usage_error>([&] { trainer.step(good.batch(0, 12)); }).starts_with("trainer: an earlier step failed"));
        // The model itself is as it was.
        CHECK(message<ls::data_error>([&] { model(bad.inputs); }) == "a value above 1000");
        CHECK(model(good.inputs).count() == 12);
    }
    // All of them at once: one error.
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<12>};
    samples<float, ls::shape<features>> bad(12, classes, 2);
    std::ranges::fill(bad.inputs.elements(), 2000.0f);
    CHECK(message<ls::replica_error>([&] { trainer.forward(bad.batch(0, 12)); }).ends_with("operation 0 (refuse, group 0): a value above 1000"));
}

TEST_CASE("two trainers share a model") {
    samples<double, ls::shape<features>> const data(8, classes, 2);
    double_model<2> alone{ls::seed{1}}, shared{ls::seed{1}};
    ls::sgd const plain{.learning_rate = 0.1};
    ls::trainer only{alone, ls::cross_entropy{}, plain, ls::batch_size<4>};
    ls::trainer first{shared, ls::cross_entropy{}, plain, ls::batch_size<4>};
    ls::trainer second{shared, ls::cross_entropy{}, plain, ls::batch_size<4>};
    for (int step = 0; step < 6; ++step) {
        auto const batch = data.batch(step % 2 * 4, 4);
        CHECK(only.step(batch) == (step % 2 == 0 ? first.step(batch) : second.step(batch)));
    }
    CHECK(outcome_of(only).parameters == outcome_of(first).parameters);
    CHECK(first.steps() == 3);
}

TEST_CASE("an evaluation is exact for batches of any size") {
    ls::parallel<mlp, ls::cpu_devices<3>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<8>};
    samples<float, ls::shape<features>> const data(37, classes, 4);
    ls::tensor<float, ls::shape<features>> copy(37);
    std::ranges::copy(data.inputs.elements(), copy.data());

    auto const scores = model(data.inputs);
    double loss = 0.0;
    int right = 0;
    for (std::int64_t n = 0; n < 37; ++n) {
        auto const row = scores[n];
        double sum = 0.0;
        for (float const score : row) sum += std::exp(static_cast<double>(score));
        loss += std::log(sum) - static_cast<double>(row[static_cast<std::size_t>(data.targets[n])]);
        right += std::ranges::max_element(row) - row.begin() == data.targets[n];
    }
    auto const before = outcome_of(trainer);
    // 37 = 4 * 8 + 5, and batches of 16 are more than the trainer's memory takes at once.
    ls::tensor_dataset const set(std::move(copy), data.targets);
    auto compare_with = [&](auto loader) {
        ls::evaluation const result = trainer.evaluate(loader);
        CHECK(result.samples == 37);
        CHECK(result.loss == doctest::Approx(loss / 37).epsilon(1e-6));
        CHECK(result.accuracy == static_cast<double>(right) / 37);
    };
    compare_with(set | ls::batch<8>);
    compare_with(set | ls::batch<16>);
    compare_with(set | ls::batch<1>);
    CHECK(outcome_of(trainer) == before);
    CHECK(trainer.steps() == 0);
}

TEST_CASE("an evaluation between the parts of a step changes nothing of it") {
    samples<float, ls::shape<features>> const data(12, classes, 4);
    std::vector<std::vector<float>> ends;
    for (bool const evaluates : {false, true}) {
        ls::parallel<mlp, ls::cpu_devices<3>> model{ls::seed{1}};
        ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.5}, ls::batch_size<12>};
        std::vector const other{data.batch(0, 5)};
        for (int step = 0; step < 3; ++step) {
            trainer.forward(data.batch(0, 12));
            if (evaluates) trainer.evaluate(other);
            trainer.backward();
            if (evaluates) trainer.evaluate(other);
            trainer.reduce();
            trainer.update();
        }
        ends.emplace_back(model.parameters(), model.parameters() + model.parameter_elements());
    }
    CHECK(ends[0] == ends[1]);
}

TEST_CASE("inference gives each sample the same result, whoever computes it and with how many others") {
    using net = ls::sequential<ls::shape<2, 6, 5>, ls::conv2d<4, 3>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                               ls::linear<5>>;
    ls::parallel<net, ls::cpu_devices<1>> one{ls::seed{1}};
    ls::parallel<net, ls::cpu_devices<3>> three{ls::seed{1}};
    samples<float, ls::shape<2, 6, 5>> const data(200, 5, 4);
    auto const all = one(data.inputs);
    for (std::int64_t const count : {1, 63, 64, 65, 200}) {
        auto const part = data.inputs.view().slice(0, count);
        auto const from_one = one(part), from_three = three(part);
        REQUIRE(from_three.count() == count);
        double largest = 0.0;
        for (std::int64_t i = 0; i < from_one.size(); ++i) {
            largest = std::max(largest, static_cast<double>(std::abs(from_one.data()[i] - all.data()[i])));
            largest = std::max(largest, static_cast<double>(std::abs(from_three.data()[i] - all.data()[i])));
        }
        CHECK(largest == 0.0);
    }
    CHECK(one(data.inputs.view().slice(0, 0)).count() == 0);
}

TEST_CASE("a value that is no number goes through, and the step ends") {
    using net = ls::sequential<ls::shape<2, 6, 5>, ls::conv2d<4, 3>, ls::relu, ls::max_pool2d<2>, ls::flatten,
                               ls::linear<5>>;
    ls::parallel<net, ls::cpu_devices<3>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<6>};
    samples<float, ls::shape<2, 6, 5>> data(6, 5, 4);
    std::ranges::fill(data.inputs[4], std::numeric_limits<float>::quiet_NaN());
    CHECK(std::isnan(trainer.step(data.batch(0, 6))));
    CHECK(std::isnan(trainer.step(data.batch(0, 6))));
    CHECK(trainer.steps() == 2);
}
