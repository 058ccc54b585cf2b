// SPDX-License-Identifier: MIT
// Models whose values are stored as bf16: close to those of floats, and the same bits on 1, 2 and 4 replicas.
#include "models.hpp"
#include "queues.hpp"

#include <lockstep/layer/dropout.hpp>
#include <lockstep/train/plan_of.hpp>

#include <algorithm>
#include <cmath>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;
template <int... Number>
using apart = ls::devices<queues::queue<Number, false>...>;
using four_shards = ls::reproducible<4>;
using mixed = ls::mixed_precision<ls::bf16>;

/// The largest difference of losses.
double difference(outcome<float> const& found, outcome<float> const& expected) {
    REQUIRE(found.losses.size() == expected.losses.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < found.losses.size(); ++i)
        largest = std::max(largest, std::abs(found.losses[i] - expected.losses[i]));
    return largest;
}

using mlp = ls::sequential<ls::shape<6>, ls::linear<33>, ls::tanh, ls::dropout<0.2>,
                           ls::residual<ls::linear<20>, ls::relu, ls::linear<33>>, ls::dropout<0.1>, ls::linear<4>>;

} // namespace

TEST_CASE("mixed precision: an MLP with dropout is close to one of floats, and has one result on any number of devices") {
    auto const one = train<mlp, on<0>, four_shards, mixed>();
    CHECK(difference(one, train<mlp, on<0>, four_shards>()) < 0.02);
    CHECK(one.losses != train<mlp, on<0>, four_shards>().losses);
    compare(train<mlp, apart<0, 1, 2, 3>, four_shards, mixed>(), one);
    compare(train<mlp, on<0, 0>, four_shards, mixed>(way::by_parts), one);
}

TEST_CASE("mixed precision: a ResNet with running statistics, evaluated and asked too") {
    auto const one = train<resnet<>, on<0>, four_shards, mixed>();
    CHECK(difference(one, train<resnet<>, on<0>, four_shards>()) < 0.05);
    compare(train<resnet<>, on<0, 1>, four_shards, mixed>(), one);
}

TEST_CASE("mixed precision: a GPT") {
    auto const one = train_gpt<on<0>, four_shards, mixed>(25);
    CHECK(difference(one, train_gpt<on<0>, four_shards>(25)) < 0.05);
    CHECK(one.losses[20] < 0.7 * one.losses[0]);
    compare(train_gpt<on<0, 1>, four_shards, mixed>(25), one);
}

TEST_CASE("mixed precision: results and evaluations are those of the parameters that the optimizer has") {
    samples<float, ls::shape<6>> const data(40, 4, 5);
    ls::parallel<mlp, on<0>> exact{ls::seed{3}};
    ls::parallel<mlp, on<0, 1>, mixed> model{ls::seed{3}};
    ls::trainer exactly{exact, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<16>};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<16>};
    for (int step = 0; step < 20; ++step) trainer.step(data.batch(step % 3 * 8, 16));
    for (int i = 0; i < model.parameter_count(); ++i) exact.set_parameter(i, model.parameter(i));

    auto const found = model(data.inputs), expected = exact(data.inputs);
    double largest = 0.0;
    for (std::size_t i = 0; i < found.elements().size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(found.elements()[i] - expected.elements()[i])));
    CHECK(largest < 0.05);
    CHECK(largest > 0.0);
    std::vector const batches{data.batch(0, 16), data.batch(16, 16), data.batch(32, 8)};
    CHECK(std::abs(trainer.evaluate(batches).loss - exactly.evaluate(batches).loss) < 0.01);
    // What is written to a model reaches its rounded weights too.
    for (int i = 0; i < model.parameter_count(); ++i) {
        std::vector<float> const zeros(model.parameter(i).size());
        model.set_parameter(i, zeros);
    }
    auto const of_zeros = model(data.inputs);
    for (float const each : of_zeros.elements()) CHECK(each == 0.0f);
}

TEST_CASE("mixed precision: the plan says what is rounded and what it saves") {
    constexpr auto exact = ls::plan_of<mlp, ls::cross_entropy, ls::sgd, on<0>, 512>;
    constexpr auto rounded = ls::plan_of<mlp, ls::cross_entropy, ls::sgd, on<0>, 512, mixed>;
    static_assert(rounded.arena_bytes < 0.6 * exact.arena_bytes);
    static_assert(rounded.memory().parameters == 1.5 * exact.memory().parameters);
    static_assert(rounded.memory().gradients == exact.memory().gradients);
    for (ls::buffer const& b : rounded.buffers) {
        bool const is_weight = b.kind == ls::buffer_kind::parameter && b.shape.rank == 2;
        if (b.kind == ls::buffer_kind::parameter) CHECK((b.content == ls::leaf_content::bf16) == is_weight);
        if (b.kind == ls::buffer_kind::input) CHECK(b.content == ls::leaf_content::bf16);
        if (b.kind == ls::buffer_kind::gradient) CHECK(b.content == ls::leaf_content::number);
    }
    // Biases and scales of channels are vectors, whatever they are read as.
    constexpr auto images = ls::plan_of<resnet<>, ls::cross_entropy, ls::sgd, on<0>, 16, mixed>;
    int vectors = 0, matrices = 0;
    for (ls::buffer const& b : images.buffers) {
        if (b.kind != ls::buffer_kind::parameter) continue;
        bool const is_vector = images.parameters[static_cast<std::size_t>(b.parameter)].declared.shape.rank == 1;
        CHECK((b.content == ls::leaf_content::number) == is_vector);
        is_vector ? ++vectors : ++matrices;
    }
    CHECK(vectors == 8);
    CHECK(matrices == 6);
}
