// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

/// The training steps that are measured, the same for lockstep, the raw loop and libtorch: cross-entropy as
/// a mean over the batch, SGD with momentum.
namespace bench {

inline constexpr float learning_rate = 0.01f;
inline constexpr float momentum = 0.9f;

enum class activation { relu, tanh };

/// Linear layers from width to width, with the activation between them and none at the end.
struct tiny {
    static constexpr char const* name = "tiny";
    static constexpr std::array widths{4, 64, 64, 2};
    static constexpr activation between = activation::tanh;
    static constexpr std::array batches{32};
};

struct small {
    static constexpr char const* name = "small";
    static constexpr std::array widths{784, 128, 10};
    static constexpr activation between = activation::relu;
    static constexpr std::array batches{64};
};

struct big {
    static constexpr char const* name = "big";
    static constexpr std::array widths{784, 512, 256, 10};
    static constexpr activation between = activation::relu;
    static constexpr std::array batches{64, 1024};
};

/// Twice convolution (stride 1, padded to keep the size), relu and 2x2 max pooling; then linear, relu, linear.
struct lenet {
    static constexpr char const* name = "lenet";
    static constexpr int image = 28;
    static constexpr std::array channels{1, 32, 64};
    static constexpr int window = 5;
    static constexpr int padding = 2;
    static constexpr int pool = 2;
    /// Width of the flattened features, of the hidden layer, and the number of classes.
    static constexpr std::array widths{64 * 7 * 7, 512, 10};
    static constexpr activation between = activation::relu;
    static constexpr std::array batches{64};
};

template <class Case>
inline constexpr bool is_convolutional = requires { Case::channels; };

/// Elements of one sample.
template <class Case>
constexpr int input_size() {
    if constexpr (is_convolutional<Case>) return Case::channels[0] * Case::image * Case::image;
    else return Case::widths[0];
}

template <class Case>
constexpr int classes() {
    return Case::widths.back();
}

/// Floating point operations of a step in matrix products and convolutions: forward, weight gradient, and
/// the data gradient of every layer but the first, each 2 per multiply and add. Padding counts as work.
template <class Case>
constexpr double step_flops(int batch) {
    double sum = 0;
    bool first = true;
    auto const add = [&](double multiplications) {
        sum += 2.0 * batch * multiplications * (first ? 2 : 3);
        first = false;
    };
    if constexpr (is_convolutional<Case>) {
        double size = Case::image;
        for (std::size_t i = 0; i + 1 < Case::channels.size(); ++i) {
            add(size * size * Case::channels[i] * Case::channels[i + 1] * Case::window * Case::window);
            size /= Case::pool;
        }
    }
    for (std::size_t i = 0; i + 1 < Case::widths.size(); ++i) add(1.0 * Case::widths[i] * Case::widths[i + 1]);
    return sum;
}

} // namespace bench
