// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/element.hpp>
#include <lockstep/device/grid/kernel.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lockstep::grid {

/// So many elements side by side, which are read and written at once.
template <class S, int Count>
struct alignas(Count * sizeof(S)) packed {
    S element[Count];
};

/// Blocks of the operands of E that have the result's shape, read before anything is computed.
template <class T, class E, int Count>
class operand_blocks {
    static constexpr auto table = lockstep::detail::access_table_of<E>;
    template <int Index>
    using stored_operand = typename element_of<T, E>::template stored_operand<Index>;

    template <int Index, bool Aligned = table[Index].aligned>
    struct block {
        constexpr block(call const&, std::int64_t) {}
    };
    template <int Index>
    struct block<Index, true> {
        packed<stored_operand<Index>, Count> values;
        constexpr block(call const& c, std::int64_t number)
            : values(c.template operand<packed<stored_operand<Index>, Count>>(Index)[number]) {}
    };
    template <class Indices>
    struct blocks;
    template <int... Index>
    struct blocks<std::integer_sequence<int, Index...>> : block<Index>... {
        constexpr blocks([[maybe_unused]] call const& c, [[maybe_unused]] std::int64_t number) : block<Index>(c, number)... {}
    };

public:
    /// The largest element among them, in bytes.
    static constexpr std::size_t widest = [] {
        std::size_t bytes = 1;
        for (access const& each : table)
            if (each.aligned) bytes = std::max<std::size_t>(bytes, is_rounded(each.content) ? 2 : sizeof(T));
        return bytes;
    }();

    constexpr operand_blocks(call const& c, std::int64_t number) : all_(c, number) {}

    /// The operands of one of the elements. Lanes are types: an array stays in registers where all its indices are known.
    template <int Lane>
    struct lane {
        operand_blocks const* operands;

        template <int Index>
        constexpr T element(call const&, std::int64_t) const {
            return static_cast<T>(static_cast<block<Index> const&>(operands->all_).values.element[Lane]);
        }
    };

private:
    blocks<std::make_integer_sequence<int, static_cast<int>(table.size())>> all_;
};

/// An elementwise expression over numbered operands. A unit is a block of neighbours in the result: as many as lie in 16
/// bytes, four floats or eight rounded numbers, where samples can be cut so; or four elements that draw their random numbers together,
/// which are most of a dropout's work; otherwise an element.
template <class T, class R, class E>
struct elementwise : kernel_base<1> {
    using element = element_of<T, E>;
    static constexpr bool in_fours = element::draws_fours;
    static constexpr int block = [] {
        constexpr int count = static_cast<int>(16 / std::max(sizeof(R), operand_blocks<T, E, 1>::widest));
        return element::sample_size % count == 0 ? count : 1;
    }();

    static constexpr std::int64_t units(call const& c) { return element::size(c) / (in_fours ? 4 : block); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        if constexpr (in_fours) element::put_four(c, unit, c.template out<R>());
        else {
            // All are read before any is written, for the result may be where an operand is.
            using operands = operand_blocks<T, E, block>;
            operands const read(c, unit);
            packed<R, block> result;
            [&]<int... Lane>(std::integer_sequence<int, Lane...>) {
                ((result.element[Lane] = element::at(c, unit * block + Lane, typename operands::template lane<Lane>{&read})),
                 ...);
            }(std::make_integer_sequence<int, block>{});
            c.template out<packed<R, block>>()[unit] = result;
        }
    }
};

template <class T, class Function, class... Operands, class R>
struct kernels_for<T, apply<Function, Operands...>, R> {
    using type = passes<elementwise<T, R, apply<Function, Operands...>>>;
};

} // namespace lockstep::grid
