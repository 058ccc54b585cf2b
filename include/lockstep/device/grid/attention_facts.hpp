// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/attention.hpp>
#include <lockstep/device/grid/attention_tile.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <array>
#include <cstdint>

namespace lockstep::grid {

/// What is known of each query before gradients are computed, in scratch memory: a weight is
/// exp((score - shift) scale) share, and sum(P dP).
template <class T>
struct query_facts {
    T shift, share, sum;
};

/// Besides the tiles, the members' parts of sums over a query's columns.
template <class T, class Pass>
struct query_facts_memory {
    typename Pass::memory pass;
    T parts[Pass::tile][Pass::value_product::across];
};

/// The first kernel of a gradient: attention itself, of whose result only these facts are kept. A unit is a tile of
/// queries of one head of one sample.
template <class T, int Heads, attention_mask Mask, class QKV, class G>
struct attention_facts : kernel_base<128, query_facts_memory<T, attention_of_queries<T, Heads, Mask, QKV>>> {
    using pass = attention_of_queries<T, Heads, Mask, QKV>;
    using extents = typename pass::extents;
    using product = typename pass::value_product;

    static constexpr std::int64_t units(call const& c) { return extents::all_heads(c.samples) * pass::tiles; }

    template <class Group>
    static constexpr void run(call const& c, std::int64_t unit, Group const& group,
                              query_facts_memory<T, pass>& memory) {
        std::int64_t const head = unit / pass::tiles;
        int const first_query = static_cast<int>(unit % pass::tiles) * pass::tile;
        auto const* const qkv = elements_of<T, QKV>(c) + extents::packed_start(head);
        auto const* const upstream = elements_of<T, G>(c) + extents::start(head);
        auto* const facts = static_cast<query_facts<T>*>(c.scratch) + head * extents::positions;
        constexpr int total = 2; // a row of memory::row that the pass leaves alone
        typename Group::template own<typename pass::member_part> own;
        pass::run(qkv, first_query, group, memory.pass, own);
        group.phase([&](int member) {
            auto& part = own[member];
            std::array<T, std::size_t{product::own_rows}> sums{};
            part.values.each(member, [&](int row, int column, T& value) {
                std::int64_t const query = first_query + row;
                if (query < extents::positions)
                    sums[row - product::row_of(member, 0)] += value * upstream[query * extents::features + column];
            });
            for (int i = 0; i < product::own_rows; ++i) {
                int const row = product::row_of(member, i), place = member % product::across;
                if (row >= pass::tile) continue;
                memory.parts[row][place] = sums[i];
                if (place == 0) memory.pass.row[total][row] = part.totals[i];
            }
        });
        group.phase([&](int member) {
            if (member >= pass::tile || first_query + member >= extents::positions) return;
            T sum = 0;
            for (int place = 0; place < product::across; ++place) sum += memory.parts[member][place];
            T const share = T(1) / memory.pass.row[total][member];
            facts[first_query + member] = {pass::shift_of(memory.pass.row[pass::largest][member]), share, sum * share};
        });
    }
};

} // namespace lockstep::grid
