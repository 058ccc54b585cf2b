// SPDX-License-Identifier: MIT
#include <models/gpt.hpp>
#include <models/text.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr int positions = 16;
using net = models::gpt<256, positions, 32, 2, 2>;
using windows = models::text_windows<positions>;

std::string sample_text() {
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += "the seed of " + std::to_string(i * i) + " grains grows to a field of " + std::to_string(i) + " rows; ";
    return text;
}

/// The loss of a model that knows how often each byte occurs and nothing else.
double unigram_entropy(std::string const& text) {
    std::array<double, 256> count{};
    for (char const c : text) count[static_cast<unsigned char>(c)] += 1.0;
    double entropy = 0.0;
    for (double const n : count)
        if (n > 0.0) entropy -= n / static_cast<double>(text.size()) * std::log(n / static_cast<double>(text.size()));
    return entropy;
}

struct outcome {
    double loss;
    std::vector<double> step_losses;
    std::vector<float> parameters, scores;
    friend bool operator==(outcome const&, outcome const&) = default;
};

template <int Replicas>
outcome train(int steps) {
    windows text(sample_text());
    ls::parallel<net, ls::cpu_devices<Replicas>, ls::reproducible<2>> model{ls::seed{1}};
    ls::trainer trainer{model, ls::cross_entropy{}, models::transformer_optimizer(0.01, 0.1), ls::batch_size<16>,
                        ls::clip_norm{1.0}};
    outcome result;
    for (int step = 0; step < steps; ++step)
        result.step_losses.push_back(trainer.step(text.draw(ls::seed{1}, static_cast<std::uint32_t>(step), 16)));
    result.parameters.assign(model.parameters(), model.parameters() + model.parameter_elements());
    auto const scores = model(text.draw(ls::seed{2}, 0, 3).inputs);
    result.scores.assign(scores.elements().begin(), scores.elements().end());
    std::array const all{text.all()};
    result.loss = trainer.evaluate(all).loss;
    return result;
}

} // namespace

TEST_CASE("a GPT learns more of a text than how often its bytes occur, with the same bits on 1 and 2 replicas") {
    outcome const one = train<1>(80);
    CHECK(one.loss < 0.5 * unigram_entropy(sample_text()));
    CHECK(one == train<2>(80));
}

TEST_CASE("a GPT's scores depend on a position and those before it") {
    ls::parallel<net, ls::cpu_devices<1>> model{ls::seed{1}};
    ls::tensor<std::int32_t, net::input_shape> text(2);
    for (int p = 0; p < positions; ++p) text[0][p] = p, text[1][p] = p < 8 ? p : 200;
    auto const scores = model(text);
    for (int p = 0; p < positions; ++p) {
        auto const first = scores[0].subspan(static_cast<std::size_t>(p) * 256, 256);
        auto const second = scores[1].subspan(static_cast<std::size_t>(p) * 256, 256);
        CAPTURE(p);
        CHECK(std::ranges::equal(first, second) == (p < 8));
    }
}

TEST_CASE("inference takes indices of classes alone") {
    ls::parallel<net, ls::cpu_devices<1>> model{ls::seed{1}};
    ls::tensor<std::int32_t, net::input_shape> text(2);
    text[1][3] = 256;
    CHECK_THROWS_WITH_AS(model(text), "parallel: sample 1 has input 256, expected 0 to 255", ls::data_error);
    text[1][3] = -1;
    CHECK_THROWS_AS(model(text), ls::data_error);
}

TEST_CASE("windows hold a text's bytes and those behind them") {
    std::string text;
    for (int i = 0; i < 33; ++i) text += static_cast<char>(200 + i);
    windows all(text);
    auto const batch = all.all();
    REQUIRE(batch.count() == 2);
    for (int i = 0; i < 32; ++i) {
        CHECK(batch.inputs.elements()[i] == 200 + i);
        CHECK(batch.targets[i] == 201 + i);
    }
    auto const drawn = all.draw(ls::seed{3}, 7, 50);
    REQUIRE(drawn.count() == 50);
    for (std::size_t i = 0; i < drawn.targets.size(); ++i) CHECK(drawn.targets[i] == drawn.inputs.elements()[i] + 1);
    CHECK_THROWS_AS(windows{text.substr(0, 16)}, ls::data_error);
}
