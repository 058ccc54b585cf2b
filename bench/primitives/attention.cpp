// SPDX-License-Identifier: MIT
#include "../raw/loops.hpp"
#include "../raw/onednn_gemm.hpp"
#include "pair.hpp"

#include <lockstep/expression/attention.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace bench {

namespace {

/// By hand: a head's columns copied together, products by oneDNN, loops for the weights.
template <int Heads, int Positions, int Features, bool Causal>
class attention_loops {
    static constexpr int width = Features / Heads, packed = 3 * Features;
    static constexpr int head_size = Positions * width, square = Positions * Positions;

public:
    void forward(float const* qkv, float* out) {
        for (int h = 0; h < Heads; ++h) {
            make_weights(qkv + h * width);
            multiply(false, false, Positions, width, Positions, weights_.data(), v_.data(), o_.data());
            put(o_, out + h * width, Features);
        }
    }
    void gradient(float const* qkv, float const* g, float* out) {
        for (int h = 0; h < Heads; ++h) {
            make_weights(qkv + h * width);
            take(g + h * width, Features, o_);
            multiply(false, true, Positions, Positions, width, o_.data(), v_.data(), slopes_.data());
            multiply(true, false, Positions, width, Positions, weights_.data(), o_.data(), v_.data());
            put(v_, out + 2 * Features + h * width, packed);
            for (int p = 0; p < Positions; ++p) {
                float const* const weight = weights_.data() + p * Positions;
                float* const slope = slopes_.data() + p * Positions;
                float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
                for (int i = 0; i < Positions; ++i) sum += weight[i] * slope[i];
                for (int i = 0; i < Positions; ++i) slope[i] = weight[i] * (slope[i] - sum) * scale();
            }
            multiply(false, false, Positions, width, Positions, slopes_.data(), k_.data(), o_.data());
            put(o_, out + h * width, packed);
            multiply(true, false, Positions, width, Positions, slopes_.data(), q_.data(), o_.data());
            put(o_, out + Features + h * width, packed);
        }
    }

private:
    static float scale() { return 1.0f / std::sqrt(float{width}); }
    static void multiply(bool left, bool right, int m, int n, int k, float const* a, float const* b, float* c) {
        raw::onednn::multiply(left, right, m, n, k, a, b, c);
    }
    static void take(float const* from, int row, std::vector<float>& to) {
        for (int p = 0; p < Positions; ++p) std::copy_n(from + p * row, width, to.data() + p * width);
    }
    static void put(std::vector<float> const& from, float* to, int row) {
        for (int p = 0; p < Positions; ++p) std::copy_n(from.data() + p * width, width, to + p * row);
    }
    void make_weights(float const* qkv) {
        take(qkv, packed, q_), take(qkv + Features, packed, k_), take(qkv + 2 * Features, packed, v_);
        multiply(false, true, Positions, Positions, width, q_.data(), k_.data(), weights_.data());
        for (int p = 0; p < Positions; ++p) {
            float* const row = weights_.data() + p * Positions;
            int const seen = Causal ? p + 1 : Positions;
            float largest = row[0], sum = 0.0f;
#pragma omp simd reduction(max : largest)
            for (int i = 0; i < seen; ++i) largest = row[i] > largest ? row[i] : largest;
#pragma omp simd reduction(+ : sum)
            for (int i = 0; i < seen; ++i) sum += row[i] = raw::exponential((row[i] - largest) * scale());
            float const share = 1.0f / sum;
            for (int i = 0; i < seen; ++i) row[i] *= share;
            std::fill(row + seen, row + Positions, 0.0f);
        }
    }

    std::vector<float> q_ = std::vector<float>(head_size), k_ = q_, v_ = q_, o_ = q_;
    std::vector<float> weights_ = std::vector<float>(square), slopes_ = weights_;
};

template <int Heads, int Positions, int Features, bool Causal>
void add_heads(int samples) {
    constexpr ls::samples<struct packed, ls::shape<Positions, 3 * Features>> qkv;
    constexpr auto y = ls::attention<Heads, Causal ? ls::attention_mask::causal : ls::attention_mask::none>(qkv);
    constexpr int in = Positions * 3 * Features, out_size = Positions * Features;
    std::string const name = std::string(Causal ? "causal attention/" : "attention/") + std::to_string(samples) + "x" +
                             std::to_string(Positions) + "x" + std::to_string(Features) + ", " + std::to_string(Heads) +
                             " heads";
    double const product = 2.0 * samples * Positions * Positions * Features;
    auto const loops = std::make_shared<attention_loops<Heads, Positions, Features, Causal>>();
    add_forward(name, y, samples, flops(2 * product), [=](auto const& at, float* out) {
        for (int n = 0; n < samples; ++n) loops->forward(at(qkv) + n * in, out + n * out_size);
    });
    add_backward(name + "/backward", y, qkv, samples, flops(5 * product), [=](auto const& at, float* out) {
        float const* const g = at(upstream<decltype(y)>{});
        for (int n = 0; n < samples; ++n) loops->gradient(at(qkv) + n * in, g + n * out_size, out + n * in);
    });
}

} // namespace

void add_attention() {
    add_heads<4, 64, 128, false>(4);
    add_heads<4, 64, 128, true>(4);
    add_heads<4, 256, 128, false>(1);
}

} // namespace bench
