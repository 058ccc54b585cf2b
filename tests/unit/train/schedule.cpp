// SPDX-License-Identifier: MIT
#include <lockstep/train/schedule.hpp>

#include <doctest/doctest.h>

namespace {

namespace schedule = lockstep::schedule;

} // namespace

TEST_CASE("a sequence counts each of its schedules from its milestone") {
    schedule::sequence const rates{schedule::linear{.learning_rate = 0.4, .steps = 4, .start = 0.25},
                                   schedule::from{4, schedule::cosine{.learning_rate = 0.4, .steps = 10}},
                                   schedule::from{9, schedule::step_decay{.learning_rate = 0.2, .step_size = 2, .gamma = 0.5}}};
    CHECK(rates(0) == doctest::Approx(0.1));
    CHECK(rates(2) == doctest::Approx(0.25));
    CHECK(rates(3) == doctest::Approx(0.325));
    CHECK(rates(4) == doctest::Approx(0.4));
    CHECK(rates(8) == doctest::Approx(0.2 * (1 + std::cos(0.4 * std::numbers::pi))));
    CHECK(rates(9) == doctest::Approx(0.2));
    CHECK(rates(11) == doctest::Approx(0.1));
}

TEST_CASE("a product multiplies a rate by factors") {
    schedule::product const rates{schedule::exponential_decay{.learning_rate = 0.1, .gamma = 0.9},
                                  schedule::linear{.steps = 4, .start = 0.5}};
    // As PyTorch's documentation of ChainedScheduler goes on from step to step.
    double decayed = 0.1;
    for (int step = 0; step < 10; ++step, decayed *= 0.9)
        CHECK(rates(step) == doctest::Approx(decayed * (step < 4 ? 0.5 + 0.125 * step : 1.0)));
}

TEST_CASE("schedules at their ends") {
    schedule::linear const warmup{.learning_rate = 0.3, .steps = 3, .start = 0.1};
    CHECK(warmup(3) == doctest::Approx(0.3));
    CHECK(warmup(100) == doctest::Approx(0.3));

    schedule::cosine const wave{.learning_rate = 1.0, .steps = 10, .minimum = 0.2};
    CHECK(wave(10) == doctest::Approx(0.2));
    CHECK(wave(20) == doctest::Approx(1.0));

    schedule::multi_step_decay const none{.learning_rate = 0.5, .milestones = {}};
    CHECK(none(1000) == 0.5);

    schedule::one_cycle const cycle{.max_learning_rate = 1.0, .steps = 100};
    CHECK(cycle(0) == doctest::Approx(0.04));
    CHECK(cycle(29) == doctest::Approx(1.0));
    CHECK(cycle(99) == doctest::Approx(4e-6));
    CHECK(cycle(500) == cycle(99));
}

TEST_CASE("one_cycle has a rate where one of its phases has no length") {
    for (double const pct_start : {0.0, 1.0})
        for (std::int64_t const steps : {1, 2, 5})
            for (std::int64_t step = 0; step < steps; ++step) {
                double const rate = schedule::one_cycle{.max_learning_rate = 1.0, .steps = steps, .pct_start = pct_start}(step);
                CHECK(rate > 0.0);
                CHECK(rate <= 1.0);
            }
}
