// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/attention_tile.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/larger.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace lockstep::grid {

/// Attention of a tile of queries of one head: passes over tiles of keys and values, so that scores are never stored.
/// The softmax is computed on the way (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018): what
/// has been summed is scaled down when a larger score comes.
template <class T, int Heads, attention_mask Mask, class QKV>
struct attention_of_queries {
    using extents = attention_extents<T, Heads, Mask, QKV>;
    static constexpr int positions = extents::positions, width = extents::width;
    static constexpr int tile = attention_tile<T, 3, positions, width>();
    static constexpr int tiles = (positions + tile - 1) / tile;
    using memory = attention_memory<T, 3, tile, width>;
    using score_product = shared_product<T, tile, tile>;
    using value_product = shared_product<T, tile, width>;

    /// A member's part: of the scores, of the sum of weighted values, and the sums of the weights of its rows.
    struct member_part {
        score_product scores;
        value_product values;
        std::array<T, std::size_t{value_product::own_rows}> totals;
    };
    /// Rows of memory::row.
    static constexpr int largest = 0, correction = 1;

    /// What is subtracted from scores. Where all so far are -infinity, their weights shall be 0.
    static constexpr T shift_of(T largest_score) {
        return largest_score == -std::numeric_limits<T>::infinity() ? T(0) : largest_score;
    }

    /// Leaves in `own` each member's part, and in m.row[largest] the largest score of each query.
    template <class Group, class Own>
    static constexpr void run(auto const* qkv, int first_query, Group const& group, memory& m, Own& own) {
        T const scale = extents::scale(), least = -std::numeric_limits<T>::infinity();
        auto& queries = m.operand[0];
        auto& keys = m.operand[1];
        auto& values = m.operand[2];
        auto& weights = m.weight[0];
        group.phase([&](int member) {
            extents::template load<extents::packed_row>(member, qkv, first_query, queries);
            own[member].values.clear();
            for (T& total : own[member].totals) total = T(0);
            if (member < tile) m.row[largest][member] = least;
        });
        for (int first_key = 0; first_key < extents::keys_end(first_query, tile); first_key += tile) {
            group.phase([&](int member) {
                extents::template load<extents::packed_row>(member, qkv + extents::features, first_key, keys);
                extents::template load<extents::packed_row>(member, qkv + 2 * extents::features, first_key, values);
            });
            group.phase([&](int member) {
                score_product& scores = own[member].scores;
                scores.clear();
                scores.add(member, width, [&](int row, int k) { return queries[row][k]; },
                           [&](int k, int column) { return keys[column][k]; });
                scores.each(member, [&](int row, int column, T& score) {
                    if (!extents::sees(first_query + row, first_key + column)) score = least;
                    weights[row][column] = score;
                });
            });
            group.phase([&](int member) {
                if (member >= tile) return;
                T const before = m.row[largest][member];
                T now = before;
                for (int k = 0; k < tile; ++k) now = larger_or_nan(now, weights[member][k]);
                m.row[largest][member] = now;
                m.row[correction][member] = math::exp((before - shift_of(now)) * scale);
            });
            group.phase([&](int member) {
                own[member].scores.each(member, [&](int row, int column, T& score) {
                    weights[row][column] = math::exp((score - shift_of(m.row[largest][row])) * scale);
                });
            });
            group.phase([&](int member) {
                value_product& sums = own[member].values;
                sums.each(member, [&](int row, int, T& sum) { sum *= m.row[correction][row]; });
                sums.add(member, tile, [&](int row, int k) { return weights[row][k]; },
                         [&](int k, int column) { return values[k][column]; });
                for (int i = 0; i < value_product::own_rows; ++i) {
                    int const row = std::min(value_product::row_of(member, i), tile - 1);
                    T total = own[member].totals[i] * m.row[correction][row];
                    for (int k = 0; k < tile; ++k) total += weights[row][k];
                    own[member].totals[i] = total;
                }
            });
        }
    }
};

/// A unit is a tile of queries of one head of one sample.
template <class T, class R, int Heads, attention_mask Mask, class QKV>
struct attention : kernel_base<128, typename attention_of_queries<T, Heads, Mask, QKV>::memory> {
    using pass = attention_of_queries<T, Heads, Mask, QKV>;
    using extents = typename pass::extents;

    static constexpr std::int64_t units(call const& c) { return extents::all_heads(c.samples) * pass::tiles; }

    template <class Group>
    static constexpr void run(call const& c, std::int64_t unit, Group const& group, typename pass::memory& memory) {
        std::int64_t const head = unit / pass::tiles;
        int const first_query = static_cast<int>(unit % pass::tiles) * pass::tile;
        auto const* const qkv = elements_of<T, QKV>(c) + extents::packed_start(head);
        R* const result = c.template out<R>() + extents::start(head);
        typename Group::template own<typename pass::member_part> own;
        pass::run(qkv, first_query, group, memory, own);
        group.phase([&](int member) {
            auto& part = own[member];
            part.values.each(member, [&](int row, int column, T& sum) {
                T const total = part.totals[row - pass::value_product::row_of(member, 0)];
                std::int64_t const query = first_query + row;
                if (query < extents::positions) result[query * extents::features + column] = sum / total;
            });
        });
    }
};

template <class T, int Heads, attention_mask Mask, class QKV, class R>
struct kernels_for<T, compute<primitive::attention<Heads, Mask>, QKV>, R> {
    using type = passes<attention<T, R, Heads, Mask, QKV>>;
};

} // namespace lockstep::grid
