// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/gather.hpp>
#include <lockstep/device/grid/platform.hpp>
#include <lockstep/tensor/memory.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace lockstep::grid {

/// The sum of x's rows with the same index, for large tables: positions are sorted by their indices, after which those of
/// a row lie next to each other. A row's are added in their order, as scatter_sum does it where it cuts nothing into
/// parts, so both compute the same bits.
template <class T, class R, int Rows, class X, class Index>
class sorted_scatter {
    using scanning = scatter_sum<T, R, Rows, X, Index>;
    static constexpr std::int64_t columns = scanning::columns;

public:
    static constexpr std::int64_t indices(std::int64_t samples) { return scanning::indices(samples); }

    /// Whether it takes less time than comparing every index with every row, which is estimated, not measured: a processor
    /// reads 32 indices a cycle, and its groups wait for each other two thirds of the time, so a hundred processors make
    /// about 2 * 10^12 comparisons a second. Sorting is about ten short kernels, 30 microseconds for few indices, in which
    /// 2^26 would be compared.
    ///
    /// Tables of so few rows that their scan is cut into parts stay with it: here one thread adds all values of an element.
    static constexpr bool pays(std::int64_t samples) {
        constexpr std::int64_t enough_comparisons = std::int64_t{1} << 26;
        return 2 * scanning::groups > enough_groups && indices(samples) <= std::numeric_limits<std::int32_t>::max() &&
               scanning::groups * indices(samples) >= enough_comparisons;
    }

    /// The bits of an index.
    static constexpr int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<unsigned>(Rows - 1))));

    /// What lies in a call's scratch memory, each at a multiple of 256 bytes.
    struct layout {
        /// As many as there are indices.
        std::int64_t positions = 0, sorted_indices = 0, sorted_positions = 0;
        /// Where each row's begin, and behind the last of them, where that ends.
        std::int64_t begins = 0;
        std::int64_t sort_memory = 0;

        static constexpr layout of(std::int64_t samples) {
            layout l;
            auto const behind = [](std::int64_t begin, std::int64_t numbers) {
                return begin + align_up(numbers * static_cast<std::int64_t>(sizeof(std::int32_t)), std::int64_t{256});
            };
            l.sorted_indices = behind(l.positions, indices(samples));
            l.sorted_positions = behind(l.sorted_indices, indices(samples));
            l.begins = behind(l.sorted_positions, indices(samples));
            l.sort_memory = behind(l.begins, Rows + 1);
            return l;
        }
    };

    struct number_positions : kernel_base<1> {
        static constexpr std::int64_t units(call const& c) { return indices(c.samples); }
        static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
            at(c, layout::of(c.samples).positions)[unit] = static_cast<std::int32_t>(unit);
        }
    };

    /// Between the two kernels before and behind it.
    static constexpr pair_sort sort(call const& c, std::int64_t memory_bytes) {
        layout const l = layout::of(c.samples);
        pair_sort what;
        what.keys = c.operand<std::int32_t>(operand_index<Index>);
        what.numbers = at(c, l.positions);
        what.sorted_keys = at(c, l.sorted_indices);
        what.sorted_numbers = at(c, l.sorted_positions);
        what.count = indices(c.samples);
        what.bits = bits;
        what.memory = static_cast<std::byte*>(c.scratch) + l.sort_memory;
        what.memory_bytes = memory_bytes;
        return what;
    }

    /// Where the sorted indices are no longer below a row's.
    struct find_begins : kernel_base<1> {
        static constexpr std::int64_t units(call const&) { return Rows + 1; }
        static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
            layout const l = layout::of(c.samples);
            std::int32_t const* const sorted = at(c, l.sorted_indices);
            std::int64_t begin = 0, end = indices(c.samples);
            while (begin < end) {
                std::int64_t const middle = begin + (end - begin) / 2;
                if (sorted[middle] < unit) begin = middle + 1;
                else end = middle;
            }
            at(c, l.begins)[unit] = static_cast<std::int32_t>(begin);
        }
    };

    /// A unit is an element of the table, so neighbouring threads read neighbours.
    struct add_rows : kernel_base<1> {
        static constexpr std::int64_t units(call const&) { return Rows * columns; }
        static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
            layout const l = layout::of(c.samples);
            std::int64_t const row = unit / columns;
            std::int32_t const* const positions = at(c, l.sorted_positions);
            std::int32_t const begin = at(c, l.begins)[row], end = at(c, l.begins)[row + 1];
            auto const* const x = elements_of<T, X>(c) + unit % columns;
            auto const value = [=](std::int32_t i) -> T { return x[positions[i] * columns]; };
            // So many values are on their way from memory at once: a text has some words again and again.
            constexpr int at_once = 8;
            T total{};
            std::int32_t i = begin;
            for (; end - i >= at_once; i += at_once) {
                T values[at_once] = {};
                for (int k = 0; k < at_once; ++k) values[k] = value(i + k);
                for (T const each : values) total += each;
            }
            for (; i < end; ++i) total += value(i);
            c.out<R>()[unit] = total;
        }
    };

private:
    static constexpr std::int32_t* at(call const& c, std::int64_t offset) {
        return static_cast<std::int32_t*>(c.scratch) + offset / static_cast<std::int64_t>(sizeof(std::int32_t));
    }
};

/// On platforms that sort.
template <sorting_platform P, class T, int Rows, class X, class Index, class R>
struct library_operation<P, T, compute<primitive::scatter_sum<Rows>, X, Index>, R> {
    static constexpr bool found = true;
    static constexpr bool is_chosen(std::int64_t samples) { return sorted::pays(samples); }
    static std::int64_t scratch_bytes(int device, std::int64_t samples) {
        return sorted::layout::of(samples).sort_memory + sort_bytes(device, samples);
    }

    library_operation(int device, std::int64_t samples) : sort_bytes_(sort_bytes(device, samples)) {}

    bool launch(typename P::stream const& s, call const& c) const {
        if (!is_chosen(c.samples)) return false;
        P::template launch<typename sorted::number_positions>(s, c);
        P::sort(s, sorted::sort(c, sort_bytes_));
        P::template launch<typename sorted::find_begins>(s, c);
        P::template launch<typename sorted::add_rows>(s, c);
        return true;
    }

private:
    using sorted = sorted_scatter<T, R, Rows, X, Index>;

    static std::int64_t sort_bytes(int device, std::int64_t samples) {
        return P::sort_bytes(device, sorted::indices(samples), sorted::bits);
    }

    /// Enough for fewer samples, too.
    std::int64_t sort_bytes_;
};

} // namespace lockstep::grid
