// SPDX-License-Identifier: MIT
#pragma once

#include "gemm.hpp"
#include "loops.hpp"
#include "memory.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace raw {

/// Where the linear layers of a chain of widths keep their weights, [in, out], and biases in a flat buffer.
template <auto Widths>
struct linear_layout {
    static constexpr std::size_t layers = Widths.size() - 1;
    static constexpr std::size_t weight(std::size_t layer) {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < layer; ++i) sum += static_cast<std::size_t>(Widths[i] + 1) * Widths[i + 1];
        return sum;
    }
    static constexpr std::size_t bias(std::size_t layer) {
        return weight(layer) + static_cast<std::size_t>(Widths[layer]) * Widths[layer + 1];
    }
    static constexpr std::size_t size = weight(layers);
};

/// The summed loss and its gradient of a chain of linear layers, for a fixed number of samples.
template <class Case, class Gemm>
class mlp {
    static constexpr auto widths = Case::widths;
    using layout = linear_layout<widths>;
    static constexpr std::size_t layers = layout::layers;
    using each_layer = std::make_index_sequence<layers>;

public:
    explicit mlp(int samples) : samples_(samples) {
        for (std::size_t l = 0; l < layers; ++l) {
            outputs_[l] = floats(static_cast<std::size_t>(samples) * widths[l + 1]);
            gradients_[l] = floats(static_cast<std::size_t>(samples) * widths[l]);
        }
    }

    std::size_t parameter_size() const { return layout::size; }

    /// Gradient of the loss, summed over the samples, with respect to the parameters; returns the loss.
    /// With input_gradient, that of the inputs is left in inputs_gradient().
    template <bool InputGradient = false>
    double gradient(float const* parameters, float const* x, std::int32_t const* targets, float* gradient) {
        [&]<std::size_t... L>(std::index_sequence<L...>) { (forward<L>(parameters, x), ...); }(each_layer{});
        float* const logits = outputs_[layers - 1].data();
        float* const last_bias = gradient + layout::bias(layers - 1);
        double const loss = softmax_cross_entropy<widths[layers]>(samples_, logits, targets, last_bias);
        [&]<std::size_t... L>(std::index_sequence<L...>) {
            (backward<layers - 1 - L, InputGradient>(parameters, x, gradient), ...);
        }(each_layer{});
        return loss;
    }
    float* inputs_gradient() { return gradients_[0].data(); }

    /// From PyTorch's tensors (weight [out, in], bias, weight, ...) and back.
    void import_from(std::span<std::vector<float> const> tensors, float* parameters) const {
        copy(tensors, [&](std::size_t at, float const& value) { parameters[at] = value; });
    }
    void export_to(float const* parameters, std::span<std::vector<float>> tensors) const {
        copy(tensors, [&](std::size_t at, float& value) { value = parameters[at]; });
    }

private:
    template <std::size_t L>
    void forward(float const* parameters, float const* x) {
        constexpr int in = widths[L], out = widths[L + 1];
        float* const y = outputs_[L].data();
        Gemm::multiply(false, false, samples_, out, in, input<L>(x), parameters + layout::weight(L), y);
        float const* const bias = parameters + layout::bias(L);
        if constexpr (L + 1 == layers) add_bias<out>(samples_, y, bias);
        else add_bias_and_activate<Case::between, out>(samples_, y, bias);
    }

    template <std::size_t L, bool InputGradient>
    void backward(float const* parameters, float const* x, float* gradient) {
        constexpr int in = widths[L], out = widths[L + 1];
        float const* const upstream = output_gradient<L>();
        Gemm::multiply(true, false, in, out, samples_, input<L>(x), upstream, gradient + layout::weight(L));
        if constexpr (L > 0 || InputGradient) {
            float* const down = gradients_[L].data();
            Gemm::multiply(false, true, samples_, in, out, upstream, parameters + layout::weight(L), down);
            if constexpr (L > 0)
                activation_gradient<Case::between, in>(samples_, down, outputs_[L - 1].data(),
                                                       gradient + layout::bias(L - 1));
        }
    }

    template <std::size_t L>
    float const* input(float const* x) const {
        if constexpr (L == 0) return x;
        else return outputs_[L - 1].data();
    }

    /// The loss turns the last outputs into their gradient in place.
    template <std::size_t L>
    float const* output_gradient() const {
        if constexpr (L + 1 == layers) return outputs_[L].data();
        else return gradients_[L + 1].data();
    }

    void copy(auto tensors, auto const& move) const {
        for (std::size_t l = 0; l < layers; ++l) {
            std::size_t const in = widths[l], out = widths[l + 1];
            for (std::size_t o = 0; o < out; ++o) {
                for (std::size_t i = 0; i < in; ++i)
                    move(layout::weight(l) + i * out + o, tensors[2 * l][o * in + i]);
                move(layout::bias(l) + o, tensors[2 * l + 1][o]);
            }
        }
    }

    int samples_;
    std::array<floats, layers> outputs_;
    /// Of each layer's input.
    std::array<floats, layers> gradients_;
};

} // namespace raw
