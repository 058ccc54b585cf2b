// SPDX-License-Identifier: MIT
// Models whose values are stored as half, and the scale of their loss.
#include "models.hpp"
#include "queues.hpp"

#include <lockstep/model/loss/sum.hpp>
#include <lockstep/train/averaged.hpp>
#include <lockstep/train/checkpoint.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

using namespace tests;

template <int... Number>
using of_half = ls::devices<queues::queue<Number>...>;
template <int... Number>
using of_half_apart = ls::devices<queues::queue<Number, false>...>;
using in_halves = ls::mixed_precision<ls::half>;
using in_four_shards = ls::reproducible<4>;

using net = ls::sequential<ls::shape<6>, ls::linear<24>, ls::tanh, ls::linear<16>, ls::relu, ls::linear<4>>;
using data_of_net = samples<float, ls::shape<6>>;

double largest_difference(auto const& a, auto const& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(static_cast<double>(a[i] - b[i])));
    return largest;
}

/// A training of `net`, one batch after the other.
template <class Policy, class Devices, class Loss, class Optimizer, class... Option>
struct training {
    ls::parallel<net, Devices, in_four_shards, Policy> model{ls::seed{3}};
    ls::trainer<decltype(model), Loss, Optimizer, 16, Option...> trainer;
    data_of_net data{64, 4, 7};
    int next = 0;

    explicit training(Optimizer const& optimizer, Option... option)
        : trainer(model, Loss{}, optimizer, ls::batch_size<16>, option...) {}
    training& steps(int count) {
        for (int i = 0; i < count; ++i) trainer.step(data.batch(next++ % 4 * 16, 16));
        return *this;
    }
    auto result() { return outcome_of(trainer); }
};
template <class Policy = in_halves, class Devices = of_half<0>, class Loss = ls::cross_entropy, class Optimizer, class... Option>
auto training_with(Optimizer const& optimizer, Option... option) {
    return training<Policy, Devices, Loss, Optimizer, Option...>(optimizer, option...);
}

/// Where the loss is so small, gradients are nothing but zeros in half.
using tiny_loss = decltype(ls::number<1e-9> * ls::cross_entropy{});
constexpr ls::sgd for_tiny_loss{.learning_rate = 1e8};

} // namespace

TEST_CASE("half: close to floats, and one result on any number of devices, in steps and in their parts") {
    auto const one = train<net, of_half<0>, in_four_shards, in_halves>();
    auto const exact = train<net, of_half<0>, in_four_shards>();
    CHECK(one.is_finite());
    CHECK(largest_difference(one.losses, exact.losses) < 0.003);
    CHECK(one.losses != exact.losses);
    compare(train<net, of_half_apart<0, 1, 2, 3>, in_four_shards, in_halves>(), one);
    compare(train<net, of_half<0, 0>, in_four_shards, in_halves>(way::by_parts), one);
}

TEST_CASE("half: a GPT is close to one of floats") {
    auto const one = train_gpt<of_half<0>, in_four_shards, in_halves>(12);
    CHECK(largest_difference(one.losses, train_gpt<of_half<0>, in_four_shards>(12).losses) < 0.02);
    compare(train_gpt<of_half<0, 1>, in_four_shards, in_halves>(12), one);
}

TEST_CASE("half: the scale keeps gradients that would be zeros without it") {
    auto const first = training_with<in_halves, of_half<0>, tiny_loss>(for_tiny_loss).result();
    auto const exact = training_with<ls::element<float>, of_half<0>, tiny_loss>(for_tiny_loss).steps(8).result();
    auto unscaled = training_with<in_halves, of_half<0>, tiny_loss>(for_tiny_loss, ls::loss_scaling{.initial = 1.0});
    CHECK(unscaled.steps(8).result().parameters == first.parameters);
    auto scaled = training_with<in_halves, of_half<0>, tiny_loss>(for_tiny_loss, ls::loss_scaling{.initial = 0x1p24});
    CHECK(largest_difference(scaled.steps(8).result().parameters, exact.parameters) < 0.01);
    CHECK(largest_difference(first.parameters, exact.parameters) > 0.05);
    CHECK(scaled.trainer.skipped_updates() == 0);
    // What is shown has no scale in it.
    CHECK(scaled.trainer.gradient(0).size() == 6 * 24);
    for (float const each : scaled.trainer.gradient(0)) CHECK(std::abs(each) < 1e-8f);
}

TEST_CASE("half: with a scale that is too large nothing changes until it is small enough, and nobody notices later") {
    constexpr ls::averaged optimizer{ls::adamw{.learning_rate = 0.01}, 0.9};
    auto late = training_with(optimizer, ls::loss_scaling{.initial = 0x1p40}, ls::clip_norm{0.5});
    auto const first = late.result();
    int tried = 0;
    do {
        CHECK(late.trainer.loss_scale() == ls::loss_scale_state{std::ldexp(1.0, 40 - tried), 0});
        CHECK(late.result() == first);
        late.next = 0;
        late.steps(1);
    } while (late.trainer.skipped_updates() == static_cast<std::uint64_t>(++tried) && tried < 40);
    CHECK(tried > 10);
    CHECK(tried < 40);
    CHECK(late.trainer.steps() == static_cast<std::uint64_t>(tried));
    CHECK(late.trainer.updates() == 1);
    CHECK(late.trainer.loss_scale().updates == 1);
    late.steps(6);
    double const scale = late.trainer.loss_scale().scale;
    CHECK(std::isfinite(late.trainer.gradient_norm()));

    // Another one has had this scale from the beginning: its first update is the first, on two devices too.
    auto punctual = training_with(optimizer, ls::loss_scaling{.initial = scale}, ls::clip_norm{0.5});
    auto on_two = training_with<in_halves, of_half_apart<0, 1>>(optimizer, ls::loss_scaling{.initial = 0x1p40}, ls::clip_norm{0.5});
    compare(punctual.steps(7).result(), late.result());
    CHECK(punctual.trainer.skipped_updates() == 0);
    for (int i = 0; i + 1 < tried; ++i) on_two.next = 0, on_two.steps(1);
    on_two.next = 0;
    compare(on_two.steps(7).result(), late.result());
}

TEST_CASE("half: the scale grows after so many updates, and batches that are accumulated are one") {
    auto grown = training_with(ls::sgd{.learning_rate = 0.01},
                               ls::loss_scaling{.initial = 8.0, .growth = 4.0, .backoff = 0.5, .interval = 3});
    grown.steps(2);
    CHECK(grown.trainer.loss_scale() == ls::loss_scale_state{8.0, 2});
    grown.steps(1);
    CHECK(grown.trainer.loss_scale() == ls::loss_scale_state{32.0, 0});
    grown.steps(4);
    CHECK(grown.trainer.loss_scale() == ls::loss_scale_state{128.0, 1});

    auto const options = ls::loss_scaling{.initial = 0x1p24, .interval = 2};
    auto joined = training_with(ls::sgd{.learning_rate = 0.01}, ls::accumulate{2}, options);
    auto const first = joined.result();
    joined.steps(3);
    CHECK(joined.trainer.loss_scale() == ls::loss_scale_state{0x1p23, 0});
    CHECK(joined.trainer.updates() == 0);
    joined.trainer.finish_accumulation();
    CHECK(joined.trainer.loss_scale() == ls::loss_scale_state{0x1p22, 0});
    CHECK(joined.result() == first);
    auto small = training_with(ls::sgd{.learning_rate = 0.01}, ls::accumulate{2}, ls::loss_scaling{.initial = 64.0, .interval = 2});
    auto of_floats = training_with<ls::element<float>>(ls::sgd{.learning_rate = 0.01}, ls::accumulate{2});
    small.steps(8);
    CHECK(small.trainer.loss_scale() == ls::loss_scale_state{256.0, 0});
    CHECK(largest_difference(small.result().parameters, of_floats.steps(8).result().parameters) < 0.001);
}

TEST_CASE("half: replicas whose gradients the platform adds skip the same updates") {
    constexpr ls::adam optimizer{.learning_rate = 0.01};
    auto const options = ls::loss_scaling{.initial = 0x1p20};
    auto one = training_with(optimizer, options);
    one.steps(12);
    CHECK(one.trainer.skipped_updates() > 2);
    using devices = of_half<0, 1>;
    ls::parallel<net, devices, in_four_shards, in_halves, ls::unordered> model{ls::seed{3}};
    ls::trainer trainer{model, ls::cross_entropy{}, optimizer, ls::batch_size<16>, options};
    for (int i = 0; i < 12; ++i) trainer.step(one.data.batch(i % 4 * 16, 16));
    CHECK(trainer.loss_scale() == one.trainer.loss_scale());
    CHECK(trainer.updates() == one.trainer.updates());
    CHECK(largest_difference(outcome_of(trainer).parameters, one.result().parameters) < 1e-3);
}

TEST_CASE("half: a checkpoint keeps the scale") {
    auto const path = (std::filesystem::temp_directory_path() / "lockstep_loss_scale.safetensors").string();
    constexpr ls::adam optimizer{.learning_rate = 0.01};
    auto before = training_with(optimizer, ls::loss_scaling{.initial = 0x1p24, .interval = 5});
    before.steps(13);
    REQUIRE(before.trainer.skipped_updates() > 0);
    auto const state = before.trainer.loss_scale();
    ls::save_checkpoint(path, before.trainer, 1);

    auto after = training_with(optimizer, ls::loss_scaling{.initial = 3.0, .interval = 5});
    after.steps(2);
    CHECK(ls::load_checkpoint(path, after.trainer).steps == 13);
    CHECK(after.trainer.loss_scale() == state);
    CHECK(after.trainer.updates() == before.trainer.updates());
    after.next = before.next;
    compare(after.steps(9).result(), before.steps(9).result());
    CHECK(after.trainer.loss_scale() == before.trainer.loss_scale());

    // Without a scale it starts with its own; one that is none is an error.
    std::string text;
    {
        std::ifstream in(path, std::ios::binary);
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    auto const rewrite = [&](std::string const& from, auto const& change) {
        std::string changed = text;
        auto const at = changed.find(from);
        REQUIRE(at != std::string::npos);
        change(changed, at);
        std::ofstream(path, std::ios::binary) << changed;
    };
    rewrite("lockstep.loss_scale\"", [](std::string& file, std::size_t at) { file.replace(at, 8, "someones"); });
    ls::load_checkpoint(path, after.trainer);
    CHECK(after.trainer.loss_scale() == ls::loss_scale_state{3.0, 0});
    std::string const key = "lockstep.loss_scale\":\"";
    rewrite(key, [&](std::string& file, std::size_t at) { file[at + key.size()] = '-'; });
    auto const untouched = after.result();
    CHECK_THROWS_WITH_AS(ls::load_checkpoint(path, after.trainer),
                         doctest::Contains("expected a number from 2^-10 to 2^60 for 'lockstep.loss_scale', found '-"), ls::data_error);
    CHECK(after.result() == untouched);
    std::filesystem::remove(path);
}

TEST_CASE("half: numbers that make no scale, and gradients that are not finite with any") {
    auto const with = [](ls::loss_scaling const& options) { return training_with(ls::sgd{.learning_rate = 0.01}, options); };
    CHECK_THROWS_WITH_AS(with({.initial = 0.0}), "loss_scaling: initial: expected a scale from 2^-10 to 2^60, found 0", ls::usage_error);
    CHECK_THROWS_WITH_AS(with({.growth = 0.5}), "loss_scaling: growth: expected a finite number of at least 1, found 0.5", ls::usage_error);
    CHECK_THROWS_WITH_AS(with({.backoff = 1.0}), "loss_scaling: backoff: expected a number between 0 and 1, found 1", ls::usage_error);
    CHECK_THROWS_WITH_AS(with({.interval = 0}), "loss_scaling: interval: expected at least 1 update, found 0", ls::usage_error);

    auto hopeless = with({.initial = 0x1p-9});
    for (float& each : hopeless.data.inputs.elements()) each = 1e6f;
    auto const first = hopeless.result();
    hopeless.steps(2);
    CHECK_THROWS_WITH_AS(hopeless.steps(1),
                         "trainer: expected a finite gradient at some loss scale, found none down to 2^-10: samples, parameters "
                         "or values on their way are no numbers, or larger than half's 65504",
                         ls::usage_error);
    CHECK(hopeless.result() == first);
    CHECK(hopeless.trainer.updates() == 0);
    CHECK_THROWS_AS(hopeless.trainer.set_loss_scale({0.0, 0}), ls::usage_error);
}
