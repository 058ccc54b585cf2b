// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/walk.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/movement.hpp>

#include <cstdint>
#include <type_traits>

namespace lockstep::grid {

/// What moves from X to a part of Result, of all samples. Moves: a type with a constexpr movement `value`, because nvcc
/// cannot name kernels by values that hold arrays.
template <class Result, class X, class Moves>
struct moved {
    static constexpr movement moves = Moves::value;
    static constexpr axis_walk value = [] {
        axis_walk walk;
        if (Result::per_sample)
            walk.add({any_extent, X::per_sample ? X::result_shape::size : 0, Result::result_shape::size});
        for (int i = 0; i < moves.from.count; ++i)
            walk.add({moves.from.extent[i], moves.from.step[i], moves.to.step[i]});
        return walk;
    }();

    static constexpr std::int64_t sample_size = moves.size();
    static constexpr std::int64_t size(call const& c) { return sample_size * (Result::per_sample ? c.samples : 1); }
    template <class S>
    static constexpr S const* from(call const& c) {
        return c.operand<S>(operand_index<X>) + moves.from_offset;
    }
    template <class R>
    static constexpr R* to(call const& c) {
        return c.out<R>() + moves.to_offset;
    }
};

/// What lies in memory as S moves to where it lies as R. A unit is an element.
template <class R, class S, class Moved>
struct move_elements : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) { return Moved::size(c); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        shared_place const at = place_in<Moved>(static_cast<std::uint64_t>(unit));
        Moved::template to<R>(c)[at.to] = Moved::template from<S>(c)[at.from];
    }
};

/// A tile's columns are one more than its elements, so that neither a row nor a column lies in one bank of memory.
template <class T>
struct transposed_tile {
    static constexpr int extent = 32;
    T element[extent][extent + 1];
};

/// What lies next to each other on one side does not on the other: a unit is a square of both axes, which is read along
/// the one and written along the other.
template <class R, class S, class Moved>
class move_tiles : public kernel_base<256, transposed_tile<R>> {
    static constexpr int read_axis = Moved::value.contiguous(&shared_axis::from);
    static constexpr int written_axis = Moved::value.contiguous(&shared_axis::to);
    static constexpr shared_axis read = Moved::value.axis[read_axis], written = Moved::value.axis[written_axis];
    static constexpr int extent = transposed_tile<R>::extent, at_once = 256 / extent;
    static constexpr std::int64_t read_tiles = (read.extent + extent - 1) / extent;
    static constexpr std::int64_t tiles = read_tiles * ((written.extent + extent - 1) / extent);

    struct others {
        static constexpr axis_walk value = [] {
            axis_walk rest;
            for (int i = 0; i < Moved::value.count; ++i)
                if (i != read_axis && i != written_axis) rest.add(Moved::value.axis[i]);
            return rest;
        }();
    };

public:
    static constexpr std::int64_t units(call const& c) {
        return Moved::size(c) / (read.extent * written.extent) * tiles;
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, transposed_tile<R>& tile) {
        std::int64_t const at = unit % tiles;
        std::int64_t const first_read = at % read_tiles * extent, first_written = at / read_tiles * extent;
        shared_place const first = place_in<others>(static_cast<std::uint64_t>(unit / tiles));
        S const* const from = Moved::template from<S>(c) + first.from;
        R* const to = Moved::template to<R>(c) + first.to;
        group.phase([&](int member) {
            std::int64_t const r = first_read + member % extent;
            for (int row = member / extent; row < extent; row += at_once) {
                std::int64_t const w = first_written + row;
                if (r < read.extent && w < written.extent)
                    tile.element[row][member % extent] = from[r + w * written.from];
            }
        });
        group.phase([&](int member) {
            std::int64_t const w = first_written + member % extent;
            for (int row = member / extent; row < extent; row += at_once) {
                std::int64_t const r = first_read + row;
                if (r < read.extent && w < written.extent) to[w + r * read.to] = tile.element[member % extent][row];
            }
        });
    }
};

/// Tiles, where both axes fill half of one at least.
template <class Moved>
inline constexpr bool moves_tiles = [] {
    constexpr axis_walk walk = Moved::value;
    constexpr int read = walk.contiguous(&shared_axis::from), written = walk.contiguous(&shared_axis::to);
    if constexpr (read < 0 || written < 0 || read == written) return false;
    else return walk.axis[read].extent >= 16 && walk.axis[written].extent >= 16;
}();
template <class R, class S, class Moved>
using move_kernel = std::conditional_t<moves_tiles<Moved>, move_tiles<R, S, Moved>, move_elements<R, S, Moved>>;

template <class R, class Result>
struct fill_zeros : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) {
        return Result::result_shape::size * (Result::per_sample ? c.samples : 1);
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        c.out<R>()[unit] = R{};
    }
};

} // namespace lockstep::grid
