// SPDX-License-Identifier: MIT
// Models on devices that compute by themselves: close to a host, and the same bits on 1, 2 and 4 replicas.
#include "models.hpp"
#include "queues.hpp"

#include <lockstep/model/loss/sum.hpp>
#include <lockstep/parallel/devices.hpp>

namespace {

using namespace tests;

template <int... Number>
using on = ls::devices<queues::queue<Number>...>;
using four_shards = ls::reproducible<4>;
using exact = ls::element<double>;

/// Trained by Train::on<Devices>().
template <class Train>
void compare_all(double bound) {
    auto const one = Train::template on<on<0>>();
    check_close(one, Train::template on<ls::cpu_devices<1>>(), bound);
    compare(Train::template on<on<0, 1>>(), one);
    compare(Train::template on<on<0, 0, 1, 1>>(), one);
}

struct gpt_training {
    template <class Devices>
    static auto on() {
        return train_gpt<Devices, four_shards, exact>(25);
    }
};

template <class Model>
struct training_of {
    template <class Devices>
    static auto on() {
        return train<Model, Devices, four_shards, exact>();
    }
};

/// Layers in front and in the middle whose parameters stay what they are.
using partly_frozen =
    ls::sequential<ls::shape<2, 6, 6>, ls::frozen<convolution<4>, ls::batch_norm<>, ls::relu>, convolution<3>, ls::relu,
                   ls::flatten, ls::frozen<ls::linear<8>, ls::tanh>, ls::linear<3>>;

/// Three losses at every position, of which each counts something else.
struct training_with_losses {
    using weights = ls::class_weights<0.5, 2.0, 1.0, 1.0, 1.0, 1.0, 1.25>;
    static constexpr auto loss =
        ls::on<0, 7>(ls::cross_entropy_with<ls::ignore_index<2>>{}) +
        ls::number<0.5> * ls::on<1, 8>(ls::cross_entropy_with<weights>{}) +
        ls::number<0.01> * ls::cross_entropy_with<ls::reduce_by_sum>{};
    using net = ls::sequential<ls::class_indices<11, 6>, ls::embedding<5>, ls::linear<11>>;

    template <class Devices>
    static auto on() {
        ls::parallel<net, Devices, four_shards, exact> model{ls::seed{3}};
        ls::trainer trainer{model, loss, ls::sgd{.learning_rate = 0.1, .momentum = 0.9}, ls::batch_size<16>};
        sequences data;
        for (std::int32_t& target : data.targets) target %= 7;
        std::vector<double> losses;
        for (int step = 0; step < 25; ++step)
            losses.push_back(trainer.step(data.first<double>(batch_counts[step % 5])));
        auto result = outcome_of(trainer);
        result.losses = losses;
        return result;
    }
};

} // namespace

TEST_CASE("a GPT with groups of parameters and a bounded gradient") {
    compare_all<gpt_training>(1e-8);
    auto const losses = gpt_training::on<on<0>>().losses;
    CHECK(losses[20] < 0.7 * losses[0]);
}
TEST_CASE("a ResNet") { compare_all<training_of<resnet<>>>(1e-10); }
TEST_CASE("a ResNet whose normalizations see the whole batch") {
    compare_all<training_of<resnet<ls::synchronized>>>(1e-10);
}
TEST_CASE("layers that are frozen") { compare_all<training_of<partly_frozen>>(1e-10); }
TEST_CASE("losses that count differently") { compare_all<training_with_losses>(1e-10); }
