// SPDX-License-Identifier: MIT
// Sums of losses that count differently: a step against plain loops, however shards share what counts; the same bits on
// any number of replicas; what is refused.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/loader/dataset.hpp>
#include <lockstep/model/loss/cross_entropy.hpp>
#include <lockstep/model/loss/regression.hpp>
#include <lockstep/model/loss/sum.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using namespace tests;
using ls::number;
using ls::on;
using ls::sequential;
using ls::shape;

constexpr std::size_t features = 4, outputs = 6, positions = 3, batch = 7;
using net = sequential<shape<positions, features>, ls::linear<outputs>>;

/// Class 0 is ignored by the first loss and has half a weight in the second, on other scores; the third is a sum.
constexpr auto loss = on<0, 3>(ls::cross_entropy_with<ls::ignore_index<0>>{}) +
                      number<0.5> * on<2, 6>(ls::cross_entropy_with<ls::class_weights<0.5, 2.0, 1.25, 1.0>>{}) +
                      number<0.01> * ls::cross_entropy_with<ls::reduce_by_sum>{};
using loss_type = std::remove_const_t<decltype(loss)>;

struct tagged_data {
    ls::tensor<double, shape<positions, features>> inputs{batch};
    std::vector<std::int32_t> targets;

    tagged_data() {
        std::mt19937 generator(1);
        std::normal_distribution<double> normal;
        for (double& value : inputs.elements()) value = normal(generator);
        // Of the first samples the first loss counts nothing, so that there are shards without anything to count.
        for (std::size_t i = 0; i < batch * positions; ++i)
            targets.push_back(i < 2 * positions ? 0 : static_cast<std::int32_t>(i * i % 3));
    }
    ls::batch_view<double, shape<positions, features>, shape<positions>> first(std::int64_t count) const {
        return {inputs.view().slice(0, count), std::span(targets).first(static_cast<std::size_t>(count) * positions)};
    }
};

/// A linear layer at every position, by hand.
struct by_hand {
    std::vector<double> weight, bias, weight_gradient, bias_gradient;
    double loss = 0.0;

    explicit by_hand(auto const& model)
        : weight(model.parameter(0)), bias(model.parameter(1)), weight_gradient(weight.size()),
          bias_gradient(bias.size()) {}

    using row_values = std::array<double, outputs>;
    static constexpr double class_weight[] = {0.5, 2.0, 1.25};

    void run(tagged_data const& data, std::size_t rows) {
        double counted = 0.0, weights = 0.0;
        for (std::size_t row = 0; row < rows; ++row)
            counted += data.targets[row] != 0, weights += class_weight[data.targets[row]];
        for (std::size_t row = 0; row < rows; ++row) {
            auto const target = static_cast<std::size_t>(data.targets[row]);
            double const* const x = data.inputs.data() + row * features;
            row_values y{}, slope{};
            for (std::size_t o = 0; o < outputs; ++o) {
                y[o] = bias[o];
                for (std::size_t f = 0; f < features; ++f) y[o] += weight[o * features + f] * x[f];
            }
            if (target != 0) add_entropy(y, slope, 0, 3, target, 1.0 / counted);
            add_entropy(y, slope, 2, 6, target, 0.5 * class_weight[target] / weights);
            add_entropy(y, slope, 0, 6, target, 0.01);
            for (std::size_t o = 0; o < outputs; ++o) {
                bias_gradient[o] += slope[o];
                for (std::size_t f = 0; f < features; ++f) weight_gradient[o * features + f] += slope[o] * x[f];
            }
        }
    }
    void add_entropy(row_values const& y, row_values& slope, std::size_t begin, std::size_t end, std::size_t target,
                     double factor) {
        double total = 0.0;
        for (std::size_t o = begin; o < end; ++o) total += std::exp(y[o]);
        loss += factor * (std::log(total) - y[begin + target]);
        for (std::size_t o = begin; o < end; ++o)
            slope[o] += factor * (std::exp(y[o]) / total - (o == begin + target ? 1.0 : 0.0));
    }
};

void check_close(std::vector<double> const& found, std::vector<double> const& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-13);
}

template <class Devices, class... Policies>
using model_of = ls::parallel<net, Devices, ls::element<double>, Policies...>;

template <class Devices, class... Policies>
void compare_steps() {
    model_of<Devices, Policies...> model{ls::seed{5}};
    ls::trainer trainer{model, loss, ls::sgd{.learning_rate = 0.1}, ls::batch_size<batch>};
    static_assert(std::is_same_v<typename decltype(trainer)::target_shape, shape<positions>>);
    tagged_data const data;
    // Of 1 and 2 samples the first loss counts nothing: its share is 0.
    for (std::int64_t const count : {7, 3, 1, 6, 2}) {
        by_hand reference(model);
        reference.run(data, static_cast<std::size_t>(count) * positions);
        CHECK(trainer.forward(data.first(count)) == doctest::Approx(reference.loss).epsilon(1e-13));
        trainer.backward();
        trainer.reduce();
        check_close(trainer.gradient(0), reference.weight_gradient);
        check_close(trainer.gradient(1), reference.bias_gradient);
        trainer.update();
    }
}

template <class Devices>
auto bits_after_20_steps() {
    model_of<Devices, ls::reproducible<4>> model{ls::seed{5}};
    ls::trainer trainer{model, loss, ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ls::batch_size<batch>};
    tagged_data const data;
    std::vector<double> losses;
    for (int step = 0; step < 20; ++step) losses.push_back(trainer.step(data.first(step % 3 == 2 ? 2 : 7)));
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
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

} // namespace

TEST_CASE("each loss of a sum is divided by what it counts in the whole batch, however shards share it") {
    compare_steps<ls::cpu_devices<1>>();
    compare_steps<ls::cpu_devices<2>>();
    compare_steps<ls::cpu_devices<4>>();
    compare_steps<ls::cpu_devices<2>, ls::reproducible<4>>();
}

TEST_CASE("a sum of losses leaves the same bits on 1, 2 and 4 replicas") {
    auto const one = bits_after_20_steps<ls::cpu_devices<1>>();
    CHECK(one.losses.back() < one.losses[2]);
    compare(bits_after_20_steps<ls::cpu_devices<2>>(), one);
    compare(bits_after_20_steps<ls::cpu_devices<4>>(), one);
}

namespace {

/// Evaluates whole batches and parts, of which some have nothing that the first loss counts.
template <class Devices>
void compare_evaluation() {
    model_of<Devices> model{ls::seed{5}};
    ls::trainer trainer{model, loss, ls::sgd{}, ls::batch_size<4>};
    tagged_data const data;
    by_hand reference(model);
    reference.run(data, batch * positions);
    using batch_type = typename decltype(trainer)::batch_type;
    std::vector<batch_type> const whole{data.first(7)};
    std::vector<batch_type> parts;
    for (std::int64_t n = 0; n < 7; n += 2) {
        std::int64_t const count = std::min<std::int64_t>(2, 7 - n);
        auto const targets = std::span(data.targets).subspan(static_cast<std::size_t>(n) * positions);
        parts.push_back({data.inputs.view().slice(n, count), targets.first(static_cast<std::size_t>(count) * positions)});
    }
    // Each of the three losses has an opinion of every target, but the first of those that are 0.
    auto const scores = model(data.inputs);
    double right = 0.0, answers = 0.0;
    for (std::size_t row = 0; row < batch * positions; ++row) {
        double const* const y = scores.data() + row * outputs;
        auto const first_maximum = [&](std::size_t begin, std::size_t end) {
            return static_cast<std::int32_t>(std::max_element(y + begin, y + end) - (y + begin));
        };
        std::int32_t const target = data.targets[row];
        right += (target != 0 && first_maximum(0, 3) == target) + (first_maximum(2, 6) == target) +
                 (first_maximum(0, 6) == target);
        answers += (target != 0) + 2;
    }
    for (auto const& each : {whole, parts}) {
        auto const result = trainer.evaluate(each);
        CHECK(result.samples == 7);
        CHECK(result.loss == doctest::Approx(reference.loss).epsilon(1e-13));
        CHECK(result.accuracy == doctest::Approx(right / answers).epsilon(1e-15));
    }
    CHECK(right > 0.0);
    CHECK(right < answers);
}

} // namespace

TEST_CASE("an evaluation divides each loss of a sum by what it counts in all batches") {
    compare_evaluation<ls::cpu_devices<1>>();
    compare_evaluation<ls::cpu_devices<2>>();
    compare_evaluation<ls::cpu_devices<4>>();
}

TEST_CASE("shards only meet where losses count differently") {
    using model = ls::parallel<net, ls::cpu_devices<2>>;
    auto const meetings = [](auto sum) {
        using trainer = ls::trainer<model, decltype(sum), ls::sgd, batch>;
        int count = 0;
        for (ls::operation const& op : trainer::training_plan.operations) count += op.facts.is_collective;
        return count;
    };
    constexpr ls::cross_entropy_with<ls::ignore_index<0>> without;
    CHECK(meetings(ls::mse{} + number<0.5> * ls::l1{} + ls::kl_div{}) == 0);
    CHECK(meetings(ls::cross_entropy{} + on<0, 3>(ls::cross_entropy{})) == 0);
    CHECK(meetings(without + on<0, 3>(without)) == 0);
    CHECK(meetings(without + ls::cross_entropy{}) == 2);
    CHECK(meetings(loss) == 3);
}

TEST_CASE("a target is a class of every loss of a sum") {
    model_of<ls::cpu_devices<2>> model{ls::seed{5}};
    tagged_data data;
    ls::trainer trainer{model, loss, ls::sgd{}, ls::batch_size<batch>};
    data.targets[4 * positions] = 3; // the second and the third have it
    CHECK(message<ls::data_error>([&] { trainer.step(data.first(7)); }) ==
          "trainer: sample 4 of the batch has target 3, expected 0 to 2");
    constexpr auto padded_sum = ls::cross_entropy_with<ls::ignore_index<-1>>{} + ls::cross_entropy{};
    ls::trainer padded{model, padded_sum, ls::sgd{}, ls::batch_size<batch>};
    data.targets[4 * positions] = -1; // the second does not ignore it
    CHECK(message<ls::data_error>([&] { padded.step(data.first(7)); }) ==
          "trainer: sample 4 of the batch has target -1, expected 0 to 5");
    data.targets[4 * positions] = 5;
    CHECK(std::isfinite(padded.step(data.first(7))));
}
