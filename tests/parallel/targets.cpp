// SPDX-License-Identifier: MIT
// Targets that are numbers, classes of positions and of pixels, and inputs that are class indices: a step against
// plain loops, over shards that count unevenly; what an evaluation counts; what is refused.
#include "training.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/conv2d.hpp>
#include <lockstep/layer/embedding.hpp>
#include <lockstep/layer/flatten.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>

namespace {

using namespace tests;
using ls::sequential;
using ls::shape;

template <class Model, int Replicas>
using double_model = ls::parallel<Model, ls::cpu_devices<Replicas, ls::host::portable>, ls::element<double>>;

std::vector<double> numbers(std::int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) value = normal(generator);
    return values;
}

/// The first samples of a batch.
template <class Trainer>
typename Trainer::batch_type first_samples(typename Trainer::batch_type const& batch, std::int64_t count) {
    auto const size = static_cast<std::size_t>(Trainer::target_shape::size);
    return {batch.inputs.slice(0, count), batch.targets.first(static_cast<std::size_t>(count) * size)};
}

void check_close(std::vector<double> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-13);
}

template <class Error>
std::string message(auto&& call) {
    try {
        call();
    } catch (Error const& error) {
        return error.what();
    }
    return "nothing";
}

// ---- y = W x + b, one linear layer at every position ----

constexpr int features = 4, outputs = 3, positions = 5;

/// Loss and mean gradients of a linear layer for `rows` rows of inputs, given the loss and its slope for each row.
struct linear_by_hand {
    std::vector<double> weight, bias, weight_gradient, bias_gradient;
    double loss = 0.0, divisor = 0.0;

    explicit linear_by_hand(auto const& model)
        : weight(model.parameter(0)), bias(model.parameter(1)), weight_gradient(weight.size()),
          bias_gradient(bias.size()) {}

    /// `row_loss(row, y, slope)` adds to the loss and gives the slopes.
    void run(std::span<double const> inputs, auto const& row_loss) {
        for (std::size_t row = 0; row < inputs.size() / features; ++row) {
            std::array<double, outputs> y{}, slope{};
            for (std::size_t o = 0; o < outputs; ++o) {
                y[o] = bias[o];
                for (std::size_t f = 0; f < features; ++f)
                    y[o] += weight[o * features + f] * inputs[row * features + f];
            }
            row_loss(row, y, slope);
            for (std::size_t o = 0; o < outputs; ++o) {
                bias_gradient[o] += slope[o];
                for (std::size_t f = 0; f < features; ++f)
                    weight_gradient[o * features + f] += slope[o] * inputs[row * features + f];
            }
        }
        for (double& each : weight_gradient) each /= divisor;
        for (double& each : bias_gradient) each /= divisor;
        loss /= divisor;
    }
};

using row_values = std::array<double, outputs>;

/// Compares a step by parts, and the update, with what a reference says.
template <class Trainer>
void compare_step(Trainer& trainer, typename Trainer::batch_type const& batch, linear_by_hand const& reference) {
    CHECK(trainer.forward(batch) == doctest::Approx(reference.loss).epsilon(1e-13));
    trainer.backward();
    trainer.reduce();
    check_close(trainer.gradient(0), reference.weight_gradient);
    check_close(trainer.gradient(1), reference.bias_gradient);
    trainer.update();
}

using regression = sequential<shape<features>, ls::linear<outputs>>;

template <int Replicas>
void compare_mse() {
    double_model<regression, Replicas> model{ls::seed{5}};
    ls::trainer trainer{model, ls::mse{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<7>};
    using trainer_type = decltype(trainer);
    static_assert(std::is_same_v<typename trainer_type::target, double>);
    static_assert(std::is_same_v<typename trainer_type::target_shape, shape<outputs>>);
    ls::tensor<double, shape<features>> inputs(7);
    std::ranges::copy(numbers(inputs.size(), 1), inputs.data());
    std::vector<double> const targets = numbers(7 * outputs, 2);
    typename trainer_type::batch_type const all{inputs.view(), targets};
    for (std::int64_t const count : {7, 3, 1, 6}) {
        linear_by_hand reference(model);
        reference.divisor = static_cast<double>(count * outputs);
        reference.run(inputs.elements().first(static_cast<std::size_t>(count) * features),
                      [&](std::size_t row, row_values const& y, row_values& slope) {
                          for (std::size_t o = 0; o < outputs; ++o) {
                              double const difference = y[o] - targets[row * outputs + o];
                              reference.loss += difference * difference;
                              slope[o] = 2.0 * difference;
                          }
                      });
        compare_step(trainer, first_samples<trainer_type>(all, count), reference);
    }
}

using tagger = sequential<shape<positions, features>, ls::linear<outputs>>;
using tagging_loss = ls::cross_entropy_with<ls::ignore_index<-100>>;

/// Targets of which shards have none, some or all ignored.
std::vector<std::int32_t> uneven_targets() {
    std::vector<std::int32_t> targets(7 * positions);
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = static_cast<std::int32_t>(i * i % outputs);
    for (std::size_t i = 0; i < 2 * positions; ++i) targets[i] = -100;
    for (std::size_t i = 3 * positions; i < targets.size(); i += 3) targets[i] = -100;
    return targets;
}

template <int Replicas>
void compare_tagging() {
    double_model<tagger, Replicas> model{ls::seed{5}};
    ls::trainer trainer{model, tagging_loss{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<7>};
    using trainer_type = decltype(trainer);
    static_assert(std::is_same_v<typename trainer_type::target_shape, shape<positions>>);
    ls::tensor<double, shape<positions, features>> inputs(7);
    std::ranges::copy(numbers(inputs.size(), 1), inputs.data());
    std::vector<std::int32_t> const targets = uneven_targets();
    typename trainer_type::batch_type const all{inputs.view(), targets};
    for (std::int64_t const count : {7, 3, 6}) {
        linear_by_hand reference(model);
        auto const rows = static_cast<std::size_t>(count) * positions;
        for (std::size_t row = 0; row < rows; ++row) reference.divisor += targets[row] != -100;
        reference.run(inputs.elements().first(rows * features),
                      [&](std::size_t row, row_values const& y, row_values& slope) {
                          if (targets[row] == -100)
                              return;
                          double total = 0.0;
                          for (double const score : y)
                              total += std::exp(score);
                          auto const target = static_cast<std::size_t>(targets[row]);
                          reference.loss += std::log(total) - y[target];
                          for (std::size_t o = 0; o < outputs; ++o)
                              slope[o] = std::exp(y[o]) / total - (o == target ? 1.0 : 0.0);
                      });
        compare_step(trainer, first_samples<trainer_type>(all, count), reference);
    }
}

/// A list of batches, as a loader is.
template <class Batch>
using batches = std::vector<Batch>;
template <class Trainer>
using batch_of = typename std::remove_reference_t<Trainer>::batch_type;

} // namespace

TEST_CASE("a step on targets of numbers is what plain loops compute") {
    compare_mse<1>();
    compare_mse<2>();
    compare_mse<4>();
}

TEST_CASE("a step on classes of positions divides by the targets that count, however shards share them") {
    compare_tagging<1>();
    compare_tagging<2>();
    compare_tagging<4>();
}

TEST_CASE("an evaluation counts right answers among those that count") {
    double_model<tagger, 2> model{ls::seed{5}};
    ls::trainer trainer{model, tagging_loss{}, ls::sgd{}, ls::batch_size<4>};
    ls::tensor<double, shape<positions, features>> inputs(7);
    std::ranges::copy(numbers(inputs.size(), 1), inputs.data());
    std::vector<std::int32_t> const targets = uneven_targets();
    auto const scores = model(inputs);
    double right = 0.0, answers = 0.0, loss = 0.0;
    for (std::size_t row = 0; row < targets.size(); ++row) {
        if (targets[row] == -100) continue;
        auto const y = scores.elements().subspan(row * outputs, outputs);
        answers += 1.0;
        right += std::ranges::max_element(y) - y.begin() == targets[row];
        double total = 0.0;
        for (double const score : y) total += std::exp(score);
        loss += std::log(total) - y[static_cast<std::size_t>(targets[row])];
    }
    using batch = decltype(trainer)::batch_type;
    batches<batch> const whole{batch{inputs.view(), targets}};
    batches<batch> parts;
    for (std::int64_t n = 0; n < 7; n += 3) {
        std::int64_t const count = std::min<std::int64_t>(3, 7 - n);
        parts.push_back({inputs.view().slice(n, count), std::span<std::int32_t const>(targets).subspan(
                             static_cast<std::size_t>(n * positions), static_cast<std::size_t>(count * positions))});
    }
    for (batches<batch> const& each : {whole, parts}) {
        ls::evaluation const result = trainer.evaluate(each);
        CHECK(result.samples == 7);
        CHECK(result.accuracy == doctest::Approx(right / answers).epsilon(1e-15));
        CHECK(result.loss == doctest::Approx(loss / answers).epsilon(1e-13));
    }
    CHECK(right > 0.0);
    CHECK(right < answers);
}

TEST_CASE("an evaluation counts answers among the highest scores") {
    using loss_type = ls::cross_entropy_with<ls::ignore_index<-100>, ls::top_k<2>>;
    double_model<tagger, 2> model{ls::seed{5}};
    ls::trainer trainer{model, loss_type{}, ls::sgd{}, ls::batch_size<4>};
    ls::tensor<double, shape<positions, features>> inputs(7);
    std::ranges::copy(numbers(inputs.size(), 1), inputs.data());
    std::vector<std::int32_t> const targets = uneven_targets();
    auto const scores = model(inputs);
    double right = 0.0, first = 0.0, answers = 0.0;
    for (std::size_t row = 0; row < targets.size(); ++row) {
        if (targets[row] == -100) continue;
        auto const y = scores.elements().subspan(row * outputs, outputs);
        auto const higher = std::ranges::count_if(y, [&](double score) { return score > y[static_cast<std::size_t>(targets[row])]; });
        answers += 1.0;
        first += higher == 0;
        right += higher < 2;
    }
    batches<batch_of<decltype(trainer)>> const data{{inputs.view(), targets}};
    ls::evaluation const result = trainer.evaluate(data);
    CHECK(result.accuracy == doctest::Approx(right / answers).epsilon(1e-15));
    CHECK(right > first);
    CHECK(right < answers);

    // The loss is what it is without.
    ls::trainer plain{model, tagging_loss{}, ls::sgd{}, ls::batch_size<4>};
    CHECK(plain.evaluate(data).loss == result.loss);
}

TEST_CASE("of equal scores the target's is the higher one, and one that is no number is none of the highest") {
    constexpr ls::samples<struct scores, shape<4>> x;
    constexpr ls::leaf<struct classes, shape<>, true, ls::leaf_content::class_index> target;
    constexpr auto right = ls::cross_entropy_with<ls::top_k<2>>::correct(x, target);
    double const nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    auto const of = [&](std::array<double, 4> values, std::int32_t index) {
        auto const [result] = ls::evaluate<double>(std::tuple{right}, given(x, values), given(target, std::array{index}));
        return result[0][0];
    };
    CHECK(of({1, 1, 1, 1}, 3) == 1.0);
    CHECK(of({2, 1, 1, 1}, 3) == 1.0);
    CHECK(of({2, 3, 1, 1}, 3) == 0.0);
    CHECK(of({2, 3, 1, 1}, 0) == 1.0);
    CHECK(of({-infinity, -infinity, infinity, 1}, 1) == 0.0);
    CHECK(of({infinity, infinity, infinity, 1}, 1) == 1.0);
    CHECK(of({1, nan, 0, 0}, 1) == 0.0);
    CHECK(of({nan, nan, nan, nan}, 2) == 0.0);
    // What is no number may be higher than a score.
    CHECK(of({3, nan, 2, nan}, 0) == 0.0);
    CHECK(of({3, nan, 2, 1}, 0) == 1.0);
}

TEST_CASE("a loss without right answers has an accuracy of 0") {
    double_model<regression, 2> model{ls::seed{5}};
    ls::trainer trainer{model, ls::mse{}, ls::sgd{}, ls::batch_size<4>};
    ls::tensor<double, shape<features>> inputs(3);
    std::vector<double> const targets = numbers(3 * outputs, 2);
    batches<batch_of<decltype(trainer)>> const data{{inputs.view(), targets}};
    auto const result = trainer.evaluate(data);
    CHECK(result.accuracy == 0.0);
    CHECK(result.loss > 0.0);
}

TEST_CASE("a batch of which nothing counts has no loss and changes no parameter") {
    double_model<tagger, 2> model{ls::seed{5}};
    ls::trainer trainer{model, tagging_loss{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<7>};
    ls::tensor<double, shape<positions, features>> inputs(7);
    std::ranges::copy(numbers(inputs.size(), 1), inputs.data());
    std::vector<std::int32_t> const targets(7 * positions, -100);
    auto const before = outcome_of(trainer);
    // torch.nn.functional.cross_entropy of ignored targets alone is nan, and its gradient 0.
    CHECK(std::isnan(trainer.step(batch_of<decltype(trainer)>{inputs.view(), targets})));
    CHECK(outcome_of(trainer) == before);
    CHECK(std::isnan(trainer.forward(batch_of<decltype(trainer)>{inputs.view(), targets})));
    trainer.backward();
    trainer.reduce();
    CHECK(trainer.gradient(0) == std::vector<double>(outputs * features));
}

TEST_CASE("classes of pixels are learned") {
    using net = sequential<shape<1, 4, 3>, ls::conv2d<4, 3, ls::padding<1>>, ls::tanh, ls::conv2d<2, 1>>;
    ls::parallel<net, ls::cpu_devices<2>> model{ls::seed{5}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 1.0, .momentum = 0.9}, ls::batch_size<8>};
    using trainer_type = decltype(trainer);
    static_assert(std::is_same_v<typename trainer_type::target_shape, shape<4, 3>>);
    // The class of a pixel is whether it is positive.
    ls::tensor<float, shape<1, 4, 3>> images(8);
    std::ranges::copy(numbers(images.size(), 1), images.data());
    std::vector<std::int32_t> targets;
    for (float const pixel : images.elements()) targets.push_back(pixel > 0.0f);
    typename trainer_type::batch_type const batch{images.view(), targets};
    batches<typename trainer_type::batch_type> const data{batch};
    CHECK(trainer.evaluate(data).accuracy < 0.95);
    for (int step = 0; step < 60; ++step) trainer.step(batch);
    CHECK(trainer.evaluate(data).accuracy > 0.95);
}

TEST_CASE("targets and inputs that name nothing are errors that say where, and change nothing") {
    using net = sequential<ls::class_indices<6, 2>, ls::embedding<3>, ls::flatten, ls::linear<outputs>>;
    double_model<net, 2> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{}, ls::batch_size<4>};
    ls::tensor<std::int32_t, ls::class_indices<6, 2>> inputs(4);
    std::vector<std::int32_t> const targets{0, 1, 2, 0};
    auto const before = outcome_of(trainer);
    for (std::int32_t const wrong : {6, -1, std::numeric_limits<std::int32_t>::min()}) {
        inputs[2][1] = wrong;
        std::string const expected =
            "trainer: sample 2 of the batch has input " + std::to_string(wrong) + ", expected 0 to 5";
        CHECK(message<ls::data_error>([&] {
                  trainer.step(batch_of<decltype(trainer)>{inputs.view(), targets});
              }) == expected);
        CHECK(message<ls::data_error>([&] {
                  trainer.forward(batch_of<decltype(trainer)>{inputs.view(), targets});
              }) == expected);
        batches<batch_of<decltype(trainer)>> const data{{inputs.view(), targets}};
        CHECK(message<ls::data_error>([&] { trainer.evaluate(data); }) == expected);
    }
    CHECK(outcome_of(trainer) == before);
    inputs[2][1] = 5;
    CHECK(std::isfinite(trainer.step(batch_of<decltype(trainer)>{inputs.view(), targets})));
    CHECK(outcome_of(trainer) != before);

    double_model<tagger, 2> positions_model{ls::seed{1}};
    ls::trainer tagging{positions_model, tagging_loss{}, ls::sgd{}, ls::batch_size<7>};
    ls::tensor<double, shape<positions, features>> rows(7);
    std::vector<std::int32_t> classes(7 * positions, 0);
    classes[3 * positions + 2] = outputs;
    CHECK(message<ls::data_error>([&] { tagging.step(batch_of<decltype(tagging)>{rows.view(), classes}); }) ==
          "trainer: sample 3 of the batch has target 3, expected 0 to 2");
    classes[3 * positions + 2] = -99;
    CHECK(message<ls::data_error>([&] { tagging.step(batch_of<decltype(tagging)>{rows.view(), classes}); }) ==
          "trainer: sample 3 of the batch has target -99, expected 0 to 2");
    CHECK(message<ls::usage_error>([&] {
              tagging.step(
                  batch_of<decltype(tagging)>{rows.view(), std::span<std::int32_t const>(classes).first(7)});
          }) == "trainer: a batch of 7 samples has 7 targets, expected 35");
}
