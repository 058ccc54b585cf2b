// SPDX-License-Identifier: MIT
#include "../raw/loops.hpp"
#include "pair.hpp"

#include <lockstep/layer/activation.hpp>
#include <lockstep/layer/dropout.hpp>

#include <cmath>
#include <numbers>

namespace bench {

namespace {

constexpr int samples = 64, features = 1024, size = samples * features;
constexpr ls::samples<struct values, ls::shape<features>> x;

float sigmoid(float v) { return 1.0f / (1.0f + raw::exponential(-v)); }
float tanh(float v) { return raw::activate<activation::tanh>(v); }
/// Abramowitz and Stegun 7.1.26, its error 1.5e-7.
float erf(float v) {
    float const a = std::abs(v), t = 1.0f / (1.0f + 0.3275911f * a);
    float const p = (((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f;
    return std::copysign(1.0f - p * t * raw::exponential(-a * a), v);
}
float normal_distribution(float v) { return 0.5f * (1.0f + erf(v * 0.70710678f)); }
float normal_density(float v) { return 0.39894228f * raw::exponential(-0.5f * v * v); }

/// f(x), and its derivative(x, f(x)), for which the forward pass keeps both.
template <class Activation>
void add_activation(std::string const& name, auto f, auto derivative) {
    constexpr auto y = Activation{}(x);
    add_forward("activation/" + name, y, samples, floats(2.0 * size), [=](auto const& at, float* __restrict out) {
        float const* const in = at(x);
        for (int i = 0; i < size; ++i) out[i] = f(in[i]);
    });
    add_backward("activation/" + name + "/backward", y, x, samples, floats(3.0 * size),
                 [=](auto const& at, float* __restrict out) {
        float const *const in = at(x), *const result = at.template result<0>().data();
        float const* const g = at(upstream<decltype(y)>{});
        for (int i = 0; i < size; ++i) out[i] = g[i] * derivative(in[i], result[i]);
    });
}

/// Twice the elements whose random number is not below a half, and 0 for the others. Number i of 32 in a row is word
/// i / 16 * 2 + i % 2 of block i % 16 / 2 of eight.
void keep(float const* value, float* __restrict out) {
    for (int sample = 0; sample < samples; ++sample)
        for (int first = 0; first < features; first += 32, value += 32, out += 32) {
            std::uint32_t words[32];
            for (int block = 0; block < 8; ++block) {
                auto const drawn = ls::philox(
                    {static_cast<std::uint32_t>(first / 4 + block), static_cast<std::uint32_t>(sample), 0, 0}, {});
                words[2 * block] = drawn[0], words[2 * block + 1] = drawn[1];
                words[2 * block + 16] = drawn[2], words[2 * block + 17] = drawn[3];
            }
            for (int i = 0; i < 32; ++i) out[i] = ls::uniform(words[i]) < 0.5f ? 0.0f : 2.0f * value[i];
        }
}

void add_dropout() {
    using context = ls::layer_context<0, ls::training_mode, ls::parameters<>>;
    constexpr auto y = ls::dropout<0.5>{}(x, context{});
    add_forward("dropout", y, samples, floats(2.0 * size), [](auto const& at, float* out) { keep(at(x), out); });
    add_backward("dropout/backward", y, x, samples, floats(2.0 * size),
                 [](auto const& at, float* out) { keep(at(upstream<decltype(y)>{}), out); });
}

} // namespace

void add_activations() {
    // Lambdas rather than the functions' addresses, behind which nothing would be inlined.
    add_activation<ls::relu>("relu", [](float v) { return std::max(v, 0.0f); },
                             [](float v, float) { return v > 0.0f ? 1.0f : 0.0f; });
    add_activation<ls::tanh>("tanh", [](float v) { return tanh(v); }, [](float, float y) { return 1.0f - y * y; });
    add_activation<ls::sigmoid>("sigmoid", [](float v) { return sigmoid(v); },
                                [](float, float y) { return y * (1.0f - y); });
    add_activation<ls::silu>("silu", [](float v) { return v * sigmoid(v); }, [](float v, float) {
        float const s = sigmoid(v);
        return s + v * s * (1.0f - s);
    });
    add_activation<ls::gelu>("gelu", [](float v) { return v * normal_distribution(v); },
                             [](float v, float) { return normal_distribution(v) + v * normal_density(v); });
    add_dropout();
}

} // namespace bench
