// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/attention_facts.hpp>
#include <lockstep/device/grid/attention_gradient_tile.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <cstdint>

/// The gradient of attention in three kernels, each of which computes the weights again. With weights P, upstream dO
/// and dP = dO V^T it is dS = P (dP - sum(P dP)) / sqrt(d), dQ = dS K, dK = dS^T Q, dV = P^T dO, where the sum is that
/// of dO O (Dao et al., "FlashAttention", 2022).
namespace lockstep::grid {

/// dQ; a unit is a tile of queries of one head of one sample.
template <class T, class R, int Heads, attention_mask Mask, class QKV, class G>
struct attention_query_gradient : kernel_base<128, typename attention_gradient_tile<T, R, Heads, Mask, QKV, G>::memory> {
    using with = attention_gradient_tile<T, R, Heads, Mask, QKV, G>;
    using extents = typename with::extents;
    using product = typename with::value_product;

    static constexpr std::int64_t units(call const& c) { return extents::all_heads(c.samples) * with::tiles; }

    template <class Group>
    static constexpr void run(call const& c, std::int64_t unit, Group const& group, typename with::memory& m) {
        auto const head = with::head::of(c, unit / with::tiles);
        int const first_query = static_cast<int>(unit % with::tiles) * with::tile;
        typename Group::template own<product> own;
        group.phase([&](int member) {
            own[member].clear();
            with::load_queries(member, head, first_query, m);
        });
        for (int first_key = 0; first_key < extents::keys_end(first_query, with::tile); first_key += with::tile) {
            group.phase([&](int member) { with::load_keys(member, head, first_key, m); });
            group.phase([&](int member) { with::find_weights(member, first_query, first_key, m); });
            group.phase([&](int member) {
                own[member].add(member, with::tile, [&](int row, int k) { return with::scores(m)[row][k]; },
                                [&](int k, int column) { return with::keys(m)[k][column]; });
            });
        }
        group.phase([&](int member) { with::store(member, head, 0, first_query, own[member]); });
    }
};

/// dK and dV; a unit is a tile of keys of one head of one sample.
template <class T, class R, int Heads, attention_mask Mask, class QKV, class G>
struct attention_key_gradient : kernel_base<128, typename attention_gradient_tile<T, R, Heads, Mask, QKV, G>::memory> {
    using with = attention_gradient_tile<T, R, Heads, Mask, QKV, G>;
    using extents = typename with::extents;
    struct member_part {
        typename with::value_product keys, values;
    };

    static constexpr std::int64_t units(call const& c) { return extents::all_heads(c.samples) * with::tiles; }

    template <class Group>
    static constexpr void run(call const& c, std::int64_t unit, Group const& group, typename with::memory& m) {
        auto const head = with::head::of(c, unit / with::tiles);
        int const first_key = static_cast<int>(unit % with::tiles) * with::tile;
        typename Group::template own<member_part> own;
        group.phase([&](int member) {
            own[member].keys.clear();
            own[member].values.clear();
            with::load_keys(member, head, first_key, m);
        });
        int first_query = extents::queries_begin(first_key);
        for (; first_query < extents::positions; first_query += with::tile) {
            group.phase([&](int member) { with::load_queries(member, head, first_query, m); });
            group.phase([&](int member) { with::find_weights(member, first_query, first_key, m); });
            group.phase([&](int member) {
                own[member].keys.add(member, with::tile, [&](int row, int k) { return with::scores(m)[k][row]; },
                                     [&](int k, int column) { return with::queries(m)[k][column]; });
                own[member].values.add(member, with::tile, [&](int row, int k) { return with::weights(m)[k][row]; },
                                       [&](int k, int column) { return with::upstream(m)[k][column]; });
            });
        }
        group.phase([&](int member) {
            with::store(member, head, 1, first_key, own[member].keys);
            with::store(member, head, 2, first_key, own[member].values);
        });
    }
};

template <class T, int Heads, attention_mask Mask, class QKV, class G, class R>
struct kernels_for<T, compute<primitive::attention_gradient<Heads, Mask>, QKV, G>, R> {
    static_assert(QKV::per_sample == G::per_sample);
    using type = passes<attention_facts<T, Heads, Mask, QKV, G>, attention_query_gradient<T, R, Heads, Mask, QKV, G>,
                        attention_key_gradient<T, R, Heads, Mask, QKV, G>>;
    using extents = attention_extents<T, Heads, Mask, QKV>;

    static constexpr std::int64_t scratch_bytes(std::int64_t samples) {
        return extents::all_heads(samples) * extents::positions * std::int64_t{sizeof(query_facts<T>)};
    }
};

} // namespace lockstep::grid
