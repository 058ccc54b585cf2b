// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/kernel.hpp>
#include <lockstep/device/host/matmul.hpp>
#include <lockstep/device/host/rows.hpp>
#include <lockstep/expression/attention.hpp>
#include <lockstep/expression/math.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace lockstep::host {

/// Attention of one sequence, head by head: a head's columns are copied next to each other, then everything is
/// products of small matrices. One object an operation and replica keeps the working memory.
template <class T, class Library, int Heads, attention_mask Mask, class QKV>
class attention {
    static constexpr int positions = QKV::result_shape::extents[0];
    static constexpr int features = QKV::result_shape::extents[1] / 3;
    static constexpr int width = features / Heads;
    static constexpr std::int64_t head_size = std::int64_t{positions} * width;
    static constexpr std::int64_t weights_size = std::int64_t{positions} * positions;
    static constexpr std::int64_t packed_size = std::int64_t{positions} * 3 * features;

public:
    attention() : memory_(static_cast<std::size_t>(8 * head_size + 2 * weights_size) * sizeof(T)) {}

    static void run(kernel_call const& call) {
        T const* qkv = call.operand<T>(operand_index<QKV>);
        T* out = static_cast<T*>(call.result);
        for (std::int64_t n = 0; n < call.samples; ++n, qkv += packed_size, out += positions * features)
            for (int head = 0; head < Heads; ++head) static_cast<attention*>(call.state)->forward(qkv, out, head);
    }
    template <class G>
    static void run_gradient(kernel_call const& call) {
        T const* qkv = call.operand<T>(operand_index<QKV>);
        T const* g = call.operand<T>(operand_index<G>);
        T* out = static_cast<T*>(call.result);
        for (std::int64_t n = 0; n < call.samples; ++n, qkv += packed_size, g += positions * features, out += packed_size)
            for (int head = 0; head < Heads; ++head) static_cast<attention*>(call.state)->gradient(qkv, g, out, head);
    }

private:
    T* head(int index) { return memory_.as<T>().data() + index * head_size; }
    T* weights(int index) { return memory_.as<T>().data() + 8 * head_size + index * weights_size; }

    /// A head's columns of a matrix whose rows have `Row` elements, and back.
    template <int Row>
    static void take(T const* from, T* to) {
        for (int p = 0; p < positions; ++p) std::copy_n(from + std::int64_t{p} * Row, width, to + p * width);
    }
    template <int Row>
    static void put(T const* from, T* to) {
        for (int p = 0; p < positions; ++p) std::copy_n(from + p * width, width, to + std::int64_t{p} * Row);
    }

    static constexpr int seen(int position) { return Mask == attention_mask::causal ? position + 1 : positions; }

    /// Queries, keys and values into heads 0, 1, 2, and the weights of every position, rows that add up to 1.
    void make_weights(T const* qkv, int number) {
        for (int part = 0; part < 3; ++part) take<3 * features>(qkv + part * features + number * width, head(part));
        T const scale = T(1) / std::sqrt(static_cast<T>(width));
        matmul_nt<T, positions, width, Library>(head(0), head(1), weights(0), positions);
        for (int p = 0; p < positions; ++p) {
            T* const row = weights(0) + std::int64_t{p} * positions;
            // What is not seen has the weight 0; as all rows then are equally long, their loops have a constant count.
            std::fill(row + seen(p), row + positions, -std::numeric_limits<T>::infinity());
            one_thread const group;
            T const largest = group.max<positions, T>([row](int k) { return row[k]; });
            group.each<positions>([=](int k) { row[k] = math::exp((row[k] - largest) * scale); });
            T const share = T(1) / group.sum<positions, T>([row](int k) { return row[k]; });
            group.each<positions>([=](int k) { row[k] *= share; });
        }
    }

    void forward(T const* qkv, T* out, int number) {
        make_weights(qkv, number);
        matmul_nn<T, width, positions, Library>(weights(0), head(2), head(3), positions);
        put<features>(head(3), out + number * width);
    }

    // With weights P, dP = dO V^T: dS = P (dP - sum(P dP)) / sqrt(d), dQ = dS K, dK = dS^T Q, dV = P^T dO.
    void gradient(T const* qkv, T const* g, T* out, int number) {
        make_weights(qkv, number);
        take<features>(g + number * width, head(4));
        matmul_nt<T, positions, width, Library>(head(4), head(2), weights(1), positions);
        matmul_tn<T, positions, width, Library>(weights(0), head(4), head(7), positions);
        T const scale = T(1) / std::sqrt(static_cast<T>(width));
        for (int p = 0; p < positions; ++p) {
            T const* const weight = weights(0) + std::int64_t{p} * positions;
            T* const row = weights(1) + std::int64_t{p} * positions;
            one_thread const group;
            T const sum = group.sum<positions, T>([=](int k) { return weight[k] * row[k]; });
            group.each<positions>([=](int k) { row[k] = weight[k] * (row[k] - sum) * scale; });
        }
        matmul_nn<T, width, positions, Library>(weights(1), head(1), head(5), positions);
        matmul_tn<T, positions, width, Library>(weights(1), head(0), head(6), positions);
        for (int part = 0; part < 3; ++part) put<3 * features>(head(5 + part), out + part * features + number * width);
    }

    host_memory memory_;
};

} // namespace lockstep::host
