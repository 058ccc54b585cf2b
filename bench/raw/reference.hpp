// SPDX-License-Identifier: MIT
#pragma once

#include "../batches.hpp"
#include "../models.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

/// The same training in the plainest loops and double precision, to check the fast ones against.
namespace raw {

using tensors = std::vector<std::vector<double>>;

/// PyTorch's tensors of a case: weight, bias, weight, ... with its default initialization.
template <class Case>
std::vector<std::vector<float>> initial_parameters() {
    std::mt19937 random(1);
    std::vector<std::vector<float>> result;
    auto const add = [&](std::size_t out, std::size_t fan_in) {
        float const bound = 1.0f / std::sqrt(static_cast<float>(fan_in));
        std::uniform_real_distribution<float> uniform(-bound, bound);
        for (std::size_t const size : {out * fan_in, out})
            for (float& x : result.emplace_back(size)) x = uniform(random);
    };
    if constexpr (bench::is_convolutional<Case>)
        for (std::size_t i = 0; i + 1 < Case::channels.size(); ++i)
            add(Case::channels[i + 1], std::size_t{1} * Case::channels[i] * Case::window * Case::window);
    for (std::size_t i = 0; i + 1 < Case::widths.size(); ++i) add(Case::widths[i + 1], Case::widths[i]);
    return result;
}

/// A layer of the reference: `forward` fills y, `backward` adds to the gradients of its weight and bias and
/// returns that of x, all for one sample.
struct reference_linear {
    int in, out;
    std::vector<double> forward(std::vector<double> const& x, std::vector<double> const& w,
                                std::vector<double> const& b) const {
        std::vector<double> y = b;
        for (int o = 0; o < out; ++o)
            for (int i = 0; i < in; ++i) y[o] += w[o * in + i] * x[i];
        return y;
    }
    std::vector<double> backward(std::vector<double> const& x, std::vector<double> const& dy,
                                 std::vector<double> const& w, std::vector<double>& dw,
                                 std::vector<double>& db) const {
        std::vector<double> dx(in);
        for (int o = 0; o < out; ++o) {
            db[o] += dy[o];
            for (int i = 0; i < in; ++i) {
                dw[o * in + i] += dy[o] * x[i];
                dx[i] += dy[o] * w[o * in + i];
            }
        }
        return dx;
    }
};

struct reference_convolution {
    int in, out, image, window, padding;
    /// The outputs whose inputs, at this offset in the window, are inside the image.
    int first(int offset) const { return std::max(0, padding - offset); }
    int last(int offset) const { return std::min(image, image + padding - offset); }
    /// Calls f(index into y, index into x, index into w) for every product.
    void each_product(auto const& f) const {
        for (int o = 0; o < out; ++o)
            for (int c = 0; c < in; ++c)
                for (int p = 0; p < window; ++p)
                    for (int q = 0; q < window; ++q)
                        for (int h = first(p); h < last(p); ++h)
                            for (int v = first(q); v < last(q); ++v)
                                f((o * image + h) * image + v,
                                  (c * image + h + p - padding) * image + v + q - padding,
                                  ((o * in + c) * window + p) * window + q);
    }
    std::vector<double> forward(std::vector<double> const& x, std::vector<double> const& w,
                                std::vector<double> const& b) const {
        std::vector<double> y(static_cast<std::size_t>(out) * image * image);
        for (std::size_t i = 0; i < y.size(); ++i) y[i] = b[i / (image * image)];
        each_product([&](int at_y, int at_x, int at_w) { y[at_y] += x[at_x] * w[at_w]; });
        return y;
    }
    std::vector<double> backward(std::vector<double> const& x, std::vector<double> const& dy,
                                 std::vector<double> const& w, std::vector<double>& dw,
                                 std::vector<double>& db) const {
        std::vector<double> dx(x.size());
        for (std::size_t i = 0; i < dy.size(); ++i) db[i / (image * image)] += dy[i];
        each_product([&](int at_y, int at_x, int at_w) {
            dw[at_w] += dy[at_y] * x[at_x];
            dx[at_x] += dy[at_y] * w[at_w];
        });
        return dx;
    }
};

/// Where each pooled element of [channels, image, image] comes from.
inline std::vector<std::size_t> pooled_positions(std::vector<double> const& x, int image, int pool) {
    int const channels = static_cast<int>(x.size()) / (image * image), to = image / pool;
    std::vector<std::size_t> result;
    for (int c = 0; c < channels; ++c)
        for (int h = 0; h < to; ++h)
            for (int v = 0; v < to; ++v) {
                std::size_t best = static_cast<std::size_t>((c * image + h * pool) * image + v * pool);
                for (int p = 0; p < pool; ++p)
                    for (int q = 0; q < pool; ++q) {
                        auto const row = (c * image + h * pool + p) * image;
                        auto const at = static_cast<std::size_t>(row + v * pool + q);
                        if (x[at] > x[best]) best = at;
                    }
                result.push_back(best);
            }
    return result;
}

/// One sample's share of the loss' gradient, added to `gradient`; returns the sample's loss.
template <class Case>
double add_reference_gradient(tensors const& w, std::span<float const> input, std::int32_t target,
                              tensors& gradient) {
    constexpr bool is_tanh = Case::between == bench::activation::tanh;
    std::vector<double> x(input.begin(), input.end());
    std::vector<std::vector<double>> saved; // what each layer's backward reads, in forward order
    std::vector<std::vector<std::size_t>> positions;
    std::size_t t = 0;
    auto const activate = [&] {
        for (double& y : x) y = is_tanh ? std::tanh(y) : std::max(y, 0.0);
    };
    auto const convolution = [](std::size_t i) {
        if constexpr (bench::is_convolutional<Case>) {
            int image = Case::image;
            for (std::size_t k = 0; k < i; ++k) image /= Case::pool;
            return reference_convolution{Case::channels[i], Case::channels[i + 1], image, Case::window,
                                         Case::padding};
        } else return reference_convolution{};
    };
    std::size_t convolutions = 0;
    if constexpr (bench::is_convolutional<Case>) convolutions = Case::channels.size() - 1;
    for (; t < convolutions; ++t) {
        saved.push_back(x);
        x = convolution(t).forward(x, w[2 * t], w[2 * t + 1]);
        activate();
        saved.push_back(x);
        if constexpr (bench::is_convolutional<Case>)
            positions.push_back(pooled_positions(x, convolution(t).image, Case::pool));
        std::vector<double> pooled;
        for (std::size_t const at : positions.back()) pooled.push_back(x[at]);
        x = pooled;
    }
    std::size_t const layers = convolutions + Case::widths.size() - 1;
    for (; t < layers; ++t) {
        std::size_t const l = t - convolutions;
        if (l > 0) activate();
        saved.push_back(x);
        x = reference_linear{Case::widths[l], Case::widths[l + 1]}.forward(x, w[2 * t], w[2 * t + 1]);
    }

    double total = 0;
    for (double const y : x) total += std::exp(y);
    double const loss = std::log(total) - x[target];
    for (double& y : x) y = std::exp(y) / total;
    x[target] -= 1;

    auto const back_through_activation = [&](std::vector<double> const& y) {
        for (std::size_t i = 0; i < x.size(); ++i) x[i] *= is_tanh ? 1 - y[i] * y[i] : y[i] > 0 ? 1.0 : 0.0;
    };
    while (t-- > convolutions) {
        std::size_t const l = t - convolutions;
        reference_linear const linear{Case::widths[l], Case::widths[l + 1]};
        x = linear.backward(saved.back(), x, w[2 * t], gradient[2 * t], gradient[2 * t + 1]);
        if (l > 0) back_through_activation(saved.back());
        saved.pop_back();
    }
    for (t = convolutions; t-- > 0;) {
        std::vector<double> spread(saved.back().size());
        for (std::size_t i = 0; i < x.size(); ++i) spread[positions[t][i]] += x[i];
        x = spread;
        back_through_activation(saved.back());
        saved.pop_back();
        x = convolution(t).backward(saved.back(), x, w[2 * t], gradient[2 * t], gradient[2 * t + 1]);
        saved.pop_back();
    }
    return loss;
}

/// Parameters and velocity after some steps over the given batches.
struct reference_training {
    tensors parameters, velocity;

    template <class Case>
    static reference_training run(bench::batches const& data, int steps) {
        reference_training result;
        for (auto const& tensor : initial_parameters<Case>()) {
            result.parameters.emplace_back(tensor.begin(), tensor.end());
            result.velocity.emplace_back(tensor.size());
        }
        for (int step = 0; step < steps; ++step) {
            tensors gradient;
            for (auto const& tensor : result.parameters) gradient.emplace_back(tensor.size());
            std::size_t const size = bench::input_size<Case>();
            for (std::size_t i = 0; i < static_cast<std::size_t>(data.batch()); ++i)
                add_reference_gradient<Case>(result.parameters, data.inputs(step).subspan(i * size, size),
                                             data.targets(step)[i], gradient);
            for (std::size_t k = 0; k < gradient.size(); ++k)
                for (std::size_t i = 0; i < gradient[k].size(); ++i) {
                    double& v = result.velocity[k][i];
                    v = bench::momentum * v + gradient[k][i] / data.batch();
                    result.parameters[k][i] -= bench::learning_rate * v;
                }
        }
        return result;
    }
};

/// The largest difference of two tensors, each measured by the largest element of its own.
inline double difference(tensors const& expected, std::vector<std::vector<float>> const& found) {
    double worst = 0;
    for (std::size_t k = 0; k < expected.size(); ++k) {
        double apart = 0, largest = 1e-30;
        for (std::size_t i = 0; i < expected[k].size(); ++i) {
            apart = std::max(apart, std::abs(expected[k][i] - found[k][i]));
            largest = std::max(largest, std::abs(expected[k][i]));
        }
        worst = std::max(worst, apart / largest);
    }
    return worst;
}

} // namespace raw
