// SPDX-License-Identifier: MIT
#pragma once

#include "../models.hpp"
#include "convolution.hpp"
#include "memory.hpp"
#include "mlp.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace raw {

/// Bias, relu and 2x2 max pooling in one pass over [images, size, size, Channels]. Adding a constant and relu
/// commute with the maximum, so they run on a quarter of the elements. `from` keeps which of the four won, and
/// 4 where relu cut it off. Images take the blocks of the bias in turn.
template <int Channels>
void bias_relu_pool(int images, int size, int blocks, float const* __restrict y, float const* __restrict bias,
                    float* __restrict pooled, std::int32_t* __restrict from) {
    for (int image = 0; image < images; ++image) {
        float const* const b = bias + image % blocks * Channels;
        for (int h = 0; h < size / 2; ++h)
            for (int w = 0; w < size / 2; ++w, pooled += Channels, from += Channels) {
                float const* const top = y + ((image * size + 2 * h) * size + 2 * w) * Channels;
                float const* const bottom = top + size * Channels;
                for (int c = 0; c < Channels; ++c) {
                    float const left = top[c], right = top[c + Channels];
                    float const low_left = bottom[c], low_right = bottom[c + Channels];
                    float const upper = std::max(left, right), lower = std::max(low_left, low_right);
                    float const best = std::max(upper, lower) + b[c];
                    // Comparisons as numbers: with ?: g++ 12 makes branches of them, which don't vectorize.
                    std::int32_t const above = right > left;
                    std::int32_t const below = 2 + (low_right > low_left);
                    std::int32_t const winner = above + (lower > upper) * (below - above);
                    pooled[c] = std::max(best, 0.0f);
                    from[c] = 4 + (best > 0.0f) * (winner - 4);
                }
            }
    }
}

/// The gradient of y, every element written, and of the bias, summed over the images.
template <int Channels>
void bias_relu_pool_gradient(int images, int size, int blocks, float const* __restrict upstream,
                             std::int32_t const* __restrict from, float* __restrict dy,
                             float* __restrict bias) {
    std::fill_n(bias, blocks * Channels, 0.0f);
    for (int image = 0; image < images; ++image) {
        float* const b = bias + image % blocks * Channels;
        for (int h = 0; h < size / 2; ++h)
            for (int w = 0; w < size / 2; ++w, upstream += Channels, from += Channels) {
                float* const top = dy + ((image * size + 2 * h) * size + 2 * w) * Channels;
                float* const bottom = top + size * Channels;
                for (int c = 0; c < Channels; ++c) {
                    float const g = upstream[c];
                    top[c] = from[c] == 0 ? g : 0.0f;
                    top[c + Channels] = from[c] == 1 ? g : 0.0f;
                    bottom[c] = from[c] == 2 ? g : 0.0f;
                    bottom[c + Channels] = from[c] == 3 ? g : 0.0f;
                    b[c] += from[c] < 4 ? g : 0.0f;
                }
            }
    }
}

enum class activations { channels_last, blocked };

/// The convolutional net, its activations channels-last or in blocks of 16 channels (oneDNN's nChw16c).
template <class Gemm, activations Layout>
class lenet {
    using net = bench::lenet;
    static constexpr int first = net::channels[1], second = net::channels[2];
    static constexpr int image = net::image, half = image / net::pool, quarter = half / net::pool;
    static constexpr bool blocked = Layout == activations::blocked;
    /// Neighbouring channels in memory.
    static constexpr int run_1 = blocked ? 16 : first, run_2 = blocked ? 16 : second;
    static constexpr auto tag = blocked ? dnnl::memory::format_tag::nChw16c : dnnl::memory::format_tag::nhwc;

public:
    explicit lenet(int samples)
        : samples_(samples),
          conv_1_(engine_, samples, net::channels[0], first, image, net::window, net::padding, tag, false),
          conv_2_(engine_, samples, first, second, half, net::window, net::padding, tag, true), head_(samples),
          y_1_(area(first, image)), y_2_(area(second, half)), pooled_1_(area(first, half)),
          pooled_2_(area(second, quarter)), dpooled_1_(area(first, half)), from_1_(pooled_1_.size()),
          from_2_(pooled_2_.size()), bias_1_(conv_1_.weight_size()), weight_2_(bias_1_ + first),
          bias_2_(weight_2_ + conv_2_.weight_size()), head_at_(bias_2_ + second) {}

    std::size_t parameter_size() const { return head_at_ + head_.parameter_size(); }

    double gradient(float const* w, float const* x, std::int32_t const* targets, float* gradient) {
        constexpr int blocks_1 = first / run_1, blocks_2 = second / run_2;
        conv_1_.forward(x, w, y_1_.data());
        bias_relu_pool<run_1>(samples_ * blocks_1, image, blocks_1, y_1_.data(), w + bias_1_, pooled_1_.data(),
                              from_1_.data());
        conv_2_.forward(pooled_1_.data(), w + weight_2_, y_2_.data());
        bias_relu_pool<run_2>(samples_ * blocks_2, half, blocks_2, y_2_.data(), w + bias_2_, pooled_2_.data(),
                              from_2_.data());
        double const loss =
            head_.template gradient<true>(w + head_at_, pooled_2_.data(), targets, gradient + head_at_);
        // The outputs of the convolutions are not needed any more: their gradients take their place.
        bias_relu_pool_gradient<run_2>(samples_ * blocks_2, half, blocks_2, head_.inputs_gradient(),
                                       from_2_.data(), y_2_.data(), gradient + bias_2_);
        conv_2_.weight_gradient(pooled_1_.data(), y_2_.data(), gradient + weight_2_);
        conv_2_.data_gradient(y_2_.data(), w + weight_2_, dpooled_1_.data());
        bias_relu_pool_gradient<run_1>(samples_ * blocks_1, image, blocks_1, dpooled_1_.data(), from_1_.data(),
                                       y_1_.data(), gradient + bias_1_);
        conv_1_.weight_gradient(x, y_1_.data(), gradient);
        return loss;
    }

    void import_from(std::span<std::vector<float> const> tensors, float* w) const {
        conv_1_.import_from(tensors[0], w);
        std::ranges::copy(tensors[1], w + bias_1_);
        conv_2_.import_from(tensors[2], w + weight_2_);
        std::ranges::copy(tensors[3], w + bias_2_);
        std::vector<std::vector<float>> head(tensors.begin() + 4, tensors.end());
        each_feature([&](std::size_t here, std::size_t theirs) { head[0][here] = tensors[4][theirs]; });
        head_.import_from(head, w + head_at_);
    }
    void export_to(float const* w, std::span<std::vector<float>> tensors) const {
        conv_1_.export_to(w, tensors[0]);
        std::copy_n(w + bias_1_, first, tensors[1].begin());
        conv_2_.export_to(w + weight_2_, tensors[2]);
        std::copy_n(w + bias_2_, second, tensors[3].begin());
        head_.export_to(w + head_at_, tensors.subspan(4));
        auto const head = tensors[4];
        each_feature([&](std::size_t here, std::size_t theirs) { tensors[4][theirs] = head[here]; });
    }

private:
    std::size_t area(int channels, int size) const {
        return static_cast<std::size_t>(samples_) * channels * size * size;
    }
    /// Pairs the elements of the first linear weight, [512, features]: features in the order of memory here,
    /// channels outermost in PyTorch's.
    static void each_feature(auto const& pair) {
        constexpr int pixels = quarter * quarter, features = second * pixels;
        for (int row = 0; row < net::widths[1]; ++row)
            for (int c = 0; c < second; ++c)
                for (int p = 0; p < pixels; ++p) {
                    int const here = (c / run_2 * pixels + p) * run_2 + c % run_2, theirs = c * pixels + p;
                    pair(static_cast<std::size_t>(row * features + here),
                         static_cast<std::size_t>(row * features + theirs));
                }
    }

    int samples_;
    dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    convolution conv_1_, conv_2_;
    mlp<net, Gemm> head_;
    floats y_1_, y_2_, pooled_1_, pooled_2_, dpooled_1_;
    std::vector<std::int32_t> from_1_, from_2_;
    /// Where the parameters stand; the first convolution's weights are at 0.
    std::size_t bias_1_, weight_2_, bias_2_, head_at_;
};

} // namespace raw
