// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/attention_facts.hpp>
#include <lockstep/device/grid/attention_tile.hpp>
#include <lockstep/device/grid/call.hpp>
#include <lockstep/expression/math.hpp>

#include <cstdint>

namespace lockstep::grid {

/// What both kernels do with a tile of queries and one of keys.
template <class T, class R, int Heads, attention_mask Mask, class QKV, class G>
struct attention_gradient_tile {
    using extents = attention_extents<T, Heads, Mask, QKV>;
    static constexpr int positions = extents::positions, width = extents::width;
    static constexpr int tile = attention_tile<T, 4, positions, width>();
    static constexpr int tiles = (positions + tile - 1) / tile;
    using memory = attention_memory<T, 4, tile, width>;
    using score_product = shared_product<T, tile, tile>;
    using value_product = shared_product<T, tile, width>;

    /// Addresses of one head of one sample.
    struct head {
        stored<T, QKV> const* qkv;
        stored<T, G> const* upstream;
        query_facts<T> const* facts;
        R* result;

        static constexpr head of(call const& c, std::int64_t index) {
            return {elements_of<T, QKV>(c) + extents::packed_start(index),
                    elements_of<T, G>(c) + extents::start(index),
                    static_cast<query_facts<T> const*>(c.scratch) + index * positions,
                    c.template out<R>() + extents::packed_start(index)};
        }
    };

    static constexpr auto& queries(memory& m) { return m.operand[0]; }
    static constexpr auto& keys(memory& m) { return m.operand[1]; }
    static constexpr auto& values(memory& m) { return m.operand[2]; }
    static constexpr auto& upstream(memory& m) { return m.operand[3]; }
    static constexpr auto& weights(memory& m) { return m.weight[0]; }
    static constexpr auto& scores(memory& m) { return m.weight[1]; }

    static constexpr void load_queries(int member, head const& h, int first, memory& m) {
        extents::template load<extents::packed_row>(member, h.qkv, first, queries(m));
        extents::template load<extents::features>(member, h.upstream, first, upstream(m));
        if (member >= tile) return;
        query_facts<T> const facts = first + member < positions ? h.facts[first + member] : query_facts<T>{};
        m.row[0][member] = facts.shift;
        m.row[1][member] = facts.share;
        m.row[2][member] = facts.sum;
    }
    static constexpr void load_keys(int member, head const& h, int first, memory& m) {
        extents::template load<extents::packed_row>(member, h.qkv + extents::features, first, keys(m));
        extents::template load<extents::packed_row>(member, h.qkv + 2 * extents::features, first, values(m));
    }
    /// P and dS of the tiles that have been loaded; zeros where nothing is seen.
    static constexpr void find_weights(int member, int first_query, int first_key, memory& m) {
        score_product score, weight_gradient;
        score.clear();
        score.add(member, width, [&](int row, int k) { return queries(m)[row][k]; },
                  [&](int k, int column) { return keys(m)[column][k]; });
        weight_gradient.clear();
        weight_gradient.add(member, width, [&](int row, int k) { return upstream(m)[row][k]; },
                            [&](int k, int column) { return values(m)[column][k]; });
        T const scale = extents::scale();
        score.each(member, [&](int row, int column, T& value) {
            bool const seen = extents::sees(first_query + row, first_key + column);
            weights(m)[row][column] = seen ? math::exp((value - m.row[0][row]) * scale) * m.row[1][row] : T(0);
        });
        weight_gradient.each(member, [&](int row, int column, T& value) {
            scores(m)[row][column] = weights(m)[row][column] * (value - m.row[2][row]) * scale;
        });
    }
    /// Writes a member's part of one of the three results, 0 for queries, 1 for keys, 2 for values.
    static constexpr void store(int member, head const& h, int which, int first, value_product& product) {
        product.each(member, [&](int row, int column, T& value) {
            if (first + row >= positions) return;
            h.result[(first + row) * extents::packed_row + which * extents::features + column] = value;
        });
    }
};

} // namespace lockstep::grid
