// SPDX-License-Identifier: MIT
// The mean gradient over several batches is that over one large batch, and the same bits on any number of replicas.
#include "training.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/batch_norm.hpp>
#include <lockstep/layer/dropout.hpp>
#include <lockstep/layer/linear.hpp>
#include <lockstep/train/adam.hpp>

#include <doctest/doctest.h>

namespace {

using namespace tests;

using net = ls::sequential<ls::shape<6>, ls::linear<8>, ls::tanh, ls::linear<4>>;
using noisy_net = ls::sequential<ls::shape<6>, ls::linear<8>, ls::batch_norm<>, ls::tanh, ls::dropout<0.3>, ls::linear<4>>;
samples<double, ls::shape<6>> const& data() {
    static samples<double, ls::shape<6>> const value(32, 4, 9);
    return value;
}
samples<float, ls::shape<6>> const& floats() {
    static samples<float, ls::shape<6>> const value(32, 4, 9);
    return value;
}

template <class Model>
double distance(Model const& a, Model const& b) {
    double largest = 0.0;
    for (std::int64_t i = 0; i < a.parameter_elements(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(a.parameters()[i] - b.parameters()[i])));
    return largest;
}

/// 12 steps of uneven batches, three to an update, the last two left over. `by_parts`: reduce and update by hand.
template <int Replicas, class... Clip>
auto train_accumulated(bool by_parts, Clip const&... clip) {
    ls::parallel<noisy_net, ls::cpu_devices<Replicas>, ls::reproducible<4>> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, ls::adam{.learning_rate = 0.02}, ls::batch_size<16>, ls::accumulate{3}, clip...};
    std::vector<double> losses;
    std::int64_t const counts[] = {16, 3, 7, 16, 1, 2, 16, 16, 13, 5, 4, 16, 9, 16};
    for (std::int64_t const count : counts) {
        auto const batch = floats().batch(16 - count, count);
        if (by_parts) {
            losses.push_back(trainer.forward(batch));
            trainer.backward();
            trainer.reduce();
            trainer.update();
        } else losses.push_back(trainer.step(batch));
    }
    CHECK(trainer.steps() == 14);
    CHECK(trainer.updates() == 4);
    trainer.finish_accumulation();
    CHECK(trainer.updates() == 5);
    trainer.finish_accumulation();
    CHECK(trainer.updates() == 5);
    auto result = outcome_of(trainer);
    result.losses = losses;
    return result;
}

} // namespace

TEST_CASE("three batches accumulated are one batch of all their samples") {
    using model_type = ls::parallel<net, ls::cpu_devices<2>, ls::element<double>>;
    model_type large{ls::seed{1}}, small{ls::seed{1}};
    ls::trainer whole{large, ls::cross_entropy{}, ls::adam{}, ls::batch_size<30>};
    ls::trainer parts{small, ls::cross_entropy{}, ls::adam{}, ls::batch_size<16>, ls::accumulate{3}};
    for (int round = 0; round < 5; ++round) {
        double const expected = whole.step(data().batch(0, 30));
        double sum = 0.0;
        auto const before = std::vector<double>(small.parameters(), small.parameters() + small.parameter_elements());
        for (auto const& [first, count] : {std::pair{0, 16}, {16, 1}, {17, 13}}) {
            CHECK(std::equal(before.begin(), before.end(), small.parameters()));
            sum += parts.step(data().batch(first, count)) * count;
        }
        CHECK(sum / 30 == doctest::Approx(expected).epsilon(1e-12));
        CHECK(distance(large, small) < 1e-13);
        CHECK(parts.updates() == whole.steps());
    }
    CHECK(parts.steps() == 15);
}

TEST_CASE("what is accumulated has the same bits on 1, 2 and 4 replicas, whole or by parts, clipped or not") {
    auto const one = train_accumulated<1>(false);
    REQUIRE(one.is_finite());
    CHECK(one == train_accumulated<2>(false));
    CHECK(one == train_accumulated<4>(false));
    CHECK(one == train_accumulated<4>(true));
    auto const clipped = train_accumulated<1>(false, ls::clip_norm{0.1});
    CHECK(clipped != one);
    CHECK(clipped == train_accumulated<4>(false, ls::clip_norm{0.1}));
    CHECK(clipped == train_accumulated<2>(true, ls::clip_norm{0.1}));
}

TEST_CASE("an update from fewer batches than asked for is the mean over these") {
    using model_type = ls::parallel<net, ls::cpu_devices<2>, ls::element<double>>;
    model_type large{ls::seed{1}}, small{ls::seed{1}};
    ls::trainer whole{large, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<32>};
    ls::trainer parts{small, ls::cross_entropy{}, ls::sgd{.learning_rate = 0.1}, ls::batch_size<16>, ls::accumulate{4}};
    whole.step(data().batch(0, 19));
    parts.step(data().batch(0, 16));
    parts.step(data().batch(16, 3));
    parts.finish_accumulation();
    CHECK(distance(large, small) < 1e-14);
    // And the next group starts from nothing.
    whole.step(data().batch(0, 32));
    for (int i = 0; i < 4; ++i) parts.step(data().batch(8 * i, 8));
    CHECK(distance(large, small) < 1e-14);
    CHECK_THROWS_WITH_AS(ls::accumulate{0}, "accumulate: expected at least 1 batch, found 0", ls::usage_error);
}
