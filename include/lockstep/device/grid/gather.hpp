// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/combine.hpp>
#include <lockstep/device/grid/combine_parts.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/expression/gather.hpp>
#include <lockstep/program/schedule.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace lockstep::grid {

/// Rows of a table by index; a unit is an element of the result.
template <class T, class R, class Table, class Index>
struct gather : kernel_base<1> {
    static constexpr std::int64_t columns = Table::result_shape::extents[1];

    static constexpr std::int64_t units(call const& c) {
        return columns * Index::result_shape::size * (Index::per_sample ? c.samples : 1);
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        std::int32_t const row = elements_of<T, Index>(c)[unit / columns];
        c.out<R>()[unit] = elements_of<T, Table>(c)[row * columns + unit % columns];
    }
};

/// Which of the neighbouring indices that a member looked at are the row's: a bit for each.
template <int Members>
struct found_indices {
    unsigned bits[Members];
};

/// The sum of x's rows with the same index. A unit is up to 256 columns of a row of the table, for which a group looks
/// through all indices, or one part of them: so no two groups write to one place, and rows are added in the order of
/// their positions, within a part.
///
/// This takes Rows * columns / 256 * indices comparisons. Where these are many, platforms that sort do so first
/// (sorted_scatter.hpp).
template <class T, class R, int Rows, class X, class Index>
class scatter_sum {
    static constexpr int members = 256, each = 4, chunk = members * each;

public:
    static constexpr std::int64_t columns = X::result_shape::extents[X::result_shape::rank - 1];
    static constexpr std::int64_t column_blocks = (columns + members - 1) / members;
    static constexpr std::int64_t groups = Rows * column_blocks;

    static constexpr std::int64_t indices(std::int64_t samples) {
        return Index::result_shape::size * (Index::per_sample ? samples : 1);
    }

    struct first_pass : kernel_base<members, found_indices<members>> {
        static constexpr std::int64_t units(call const& c) { return groups * parts(c.samples); }
        template <class Group>
        static constexpr void run(call const& c, std::int64_t unit, Group const& group,
                                  found_indices<members>& shared) {
            std::int64_t const all = parts(c.samples), part = unit % all, count = indices(c.samples);
            std::int64_t const part_length = (count + all - 1) / all;
            std::int64_t const begin = part * part_length, end = std::min(begin + part_length, count);
            std::int64_t const row = unit / all / column_blocks, first_column = unit / all % column_blocks * members;
            std::int32_t const* const index = elements_of<T, Index>(c);
            auto const* const x = elements_of<T, X>(c) + first_column;
            std::int64_t const width = std::min<std::int64_t>(columns - first_column, members);

            typename Group::template own<T> total{};
            for (std::int64_t first = begin; first < end; first += chunk) {
                group.phase([&](int member) {
                    unsigned bits = 0;
                    for (int i = 0; i < each; ++i) {
                        std::int64_t const at = first + member * each + i;
                        if (at < end && index[at] == row) bits |= 1u << i;
                    }
                    shared.bits[member] = bits;
                });
                auto const has_found = [&shared](int member) { return shared.bits[member] != 0 ? 1 : 0; };
                if (group.template sum<members, int>(has_found) == 0) continue;
                group.phase([&](int member) {
                    if (member >= width) return;
                    for (int other = 0; other < members; ++other)
                        for (int i = 0; i < each; ++i)
                            if (shared.bits[other] >> i & 1u)
                                total[member] += x[(first + other * each + i) * columns + member];
                });
            }
            part_result<T, R> const out{c, all > 1, part * results(c.samples)};
            group.phase([&](int member) {
                if (member < width) out.write(row * columns + first_column + member, total[member]);
            });
        }
    };

    // What combine_parts asks for.
    static constexpr std::int64_t results(std::int64_t) { return Rows * columns; }
    static constexpr std::int64_t parts(std::int64_t samples) { return parts_of(groups, indices(samples), chunk); }
    static constexpr void store(call const& c, std::int64_t result, T value) { c.out<R>()[result] = value; }

    static constexpr std::int64_t scratch_bytes(std::int64_t samples) {
        constexpr std::int64_t width = std::min<std::int64_t>(columns, members), bytes = sizeof(T);
        return most_part_values(results(samples), width, indices(samples), chunk) * bytes;
    }
};

template <class T, class Table, class Index, class R>
struct kernels_for<T, compute<primitive::gather, Table, Index>, R> {
    using type = passes<gather<T, R, Table, Index>>;
};
template <class T, int Rows, class X, class Index, class R>
struct kernels_for<T, compute<primitive::scatter_sum<Rows>, X, Index>, R> {
    using whole = scatter_sum<T, R, Rows, X, Index>;
    using type = passes<typename whole::first_pass, combine_parts<T, add_values, whole>>;
    static constexpr std::int64_t scratch_bytes(std::int64_t samples) { return whole::scratch_bytes(samples); }
};

} // namespace lockstep::grid
