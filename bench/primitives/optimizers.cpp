// SPDX-License-Identifier: MIT
#include "pair.hpp"

#include <lockstep/parallel/reduce.hpp>
#include <lockstep/train/adam.hpp>
#include <lockstep/train/sgd.hpp>

#include <cmath>
#include <random>

namespace bench {

namespace {

constexpr int size = 1 << 16;
constexpr int batch = 32;

/// What an update reads and writes, for one of the two sides.
template <class Optimizer>
struct parameters {
    std::vector<float> values = std::vector<float>(size, 0.5f);
    std::array<std::vector<float>, Optimizer::states> states;
    parameters() { states.fill(std::vector<float>(size)); }
};

/// One step, number 1, of one shard's gradients: by_hand(parameters, gradients).
template <class Optimizer>
void add_update(std::string const& name, Optimizer optimizer, auto by_hand) {
    add_pair("update/" + name, floats((3.0 + 2.0 * Optimizer::states) * size), [=] {
        auto const gradients = std::make_shared<std::vector<float>>(size);
        std::minstd_rand random(1);
        for (float& g : *gradients) g = std::uniform_real_distribution(-1.0f, 1.0f)(random);
        auto const raw = std::make_shared<parameters<Optimizer>>(), ours = std::make_shared<parameters<Optimizer>>();
        auto const rule = optimizer.template rule_for<float>(1);
        return comparison{
            [=] { by_hand(*raw, gradients->data()); },
            [=] {
                std::array<float*, Optimizer::states> states;
                for (std::size_t i = 0; i < states.size(); ++i) states[i] = ours->states[i].data();
                ls::reduce_and_update<1>(std::array<float const*, 1>{gradients->data()}, ours->values.data(), states,
                                         ls::bucket_slice{0, size}, float{batch}, rule);
            },
            [=] { return std::span<float const>(raw->values); }, [=] { return std::span<float const>(ours->values); }};
    });
}

} // namespace

void add_optimizers() {
    add_update("sgd", ls::sgd{.learning_rate = 0.01, .momentum = 0.9}, [](auto& p, float const* gradients) {
        float* __restrict w = p.values.data();
        float* __restrict v = p.states[0].data();
        for (int i = 0; i < size; ++i) {
            v[i] = 0.9f * v[i] + gradients[i] * (1.0f / batch);
            w[i] -= 0.01f * v[i];
        }
    });
    add_update("adamw", ls::adamw{.learning_rate = 0.001}, [](auto& p, float const* gradients) {
        float* __restrict w = p.values.data();
        float* __restrict m = p.states[0].data();
        float* __restrict v = p.states[1].data();
        float const rate = 0.001f / (1.0f - 0.9f * 0.9f);
        float const correction = 1.0f / std::sqrt(1.0f - 0.999f * 0.999f);
        for (int i = 0; i < size; ++i) {
            float const g = gradients[i] * (1.0f / batch);
            m[i] = 0.9f * m[i] + 0.1f * g;
            v[i] = 0.999f * v[i] + 0.001f * g * g;
            w[i] = w[i] * (1.0f - 0.001f * 0.01f) - rate * m[i] / (std::sqrt(v[i]) * correction + 1e-8f);
        }
    });
}

} // namespace bench
