// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/elementwise.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/walk.hpp>
#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/shards.hpp>
#include <lockstep/program/schedule.hpp>
#include <lockstep/shape/movement.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lockstep::grid {

/// What moves from X to a part of Result, of all samples. Moves::value says what moves of one: the names of kernels are
/// made of types, as nvcc cannot write a movement.
template <class Result, class X, class Moves>
class moved {
    static constexpr movement own = Moves::value;
    static constexpr std::int64_t own_size = own.size(), from_offset = own.from_offset, to_offset = own.to_offset;

public:
    static constexpr axis_walk value = [] {
        axis_walk walk;
        if (Result::per_sample)
            walk.add({any_extent, X::per_sample ? X::result_shape::size : 0, Result::result_shape::size});
        for (int i = 0; i < own.from.count; ++i) walk.add({own.from.extent[i], own.from.step[i], own.to.step[i]});
        return walk;
    }();

    static constexpr std::int64_t size(call const& c) { return own_size * (Result::per_sample ? c.samples : 1); }
    template <class T>
    static constexpr T const* from(call const& c) {
        return c.operand<T>(operand_index<X>) + from_offset;
    }
    template <class T>
    static constexpr T* to(call const& c) {
        return c.out<T>() + to_offset;
    }
};

/// A unit is an element.
template <class T, class Moved>
struct move_elements : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) { return Moved::size(c); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        shared_place const at = place_in<Moved>(static_cast<std::uint64_t>(unit));
        Moved::template to<T>(c)[at.to] = Moved::template from<T>(c)[at.from];
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
template <class T, class Moved>
class move_tiles : public kernel_base<256, transposed_tile<T>> {
    static constexpr int read_axis = Moved::value.contiguous(&shared_axis::from);
    static constexpr int written_axis = Moved::value.contiguous(&shared_axis::to);
    static constexpr shared_axis read = Moved::value.axis[read_axis], written = Moved::value.axis[written_axis];
    static constexpr int extent = transposed_tile<T>::extent, at_once = 256 / extent;
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
    static constexpr void run(call const& c, std::int64_t unit, auto const& group, transposed_tile<T>& tile) {
        std::int64_t const at = unit % tiles;
        std::int64_t const first_read = at % read_tiles * extent, first_written = at / read_tiles * extent;
        shared_place const first = place_in<others>(static_cast<std::uint64_t>(unit / tiles));
        T const* const from = Moved::template from<T>(c) + first.from;
        T* const to = Moved::template to<T>(c) + first.to;
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
template <class T, class Moved>
using move_kernel = std::conditional_t<moves_tiles<Moved>, move_tiles<T, Moved>, move_elements<T, Moved>>;

template <class T, class Result>
struct fill_zeros : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) {
        return Result::result_shape::size * (Result::per_sample ? c.samples : 1);
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        c.out<T>()[unit] = T{};
    }
};

/// Where a movement does not write all of its result, the rest is zero.
template <class T, class Result, class X, class Moves>
struct movement_kernels {
    static constexpr bool is_whole = Moves::value.size() == Result::result_shape::size;
    using move = move_kernel<T, moved<Result, X, Moves>>;
    using type = std::conditional_t<is_whole, passes<move>, passes<fill_zeros<T, Result>, move>>;
};

template <class Primitive, class X>
struct moves_of {
    static constexpr movement value = Primitive::template moves<X>;
};
template <class T, class Primitive, class X>
    requires requires { Primitive::template moves<X>; }
struct kernels_for<T, compute<Primitive, X>>
    : movement_kernels<T, compute<Primitive, X>, X, moves_of<Primitive, X>> {};

/// Every operand to its place.
template <int Axis, int Index, class... X>
struct moves_to_place {
    using part = std::tuple_element_t<static_cast<std::size_t>(Index), std::tuple<X...>>;
    using result = compute<primitive::concat<Axis>, X...>;
    static constexpr movement value =
        placing(extents_of<typename part::result_shape>(), extents_of<typename result::result_shape>(), Axis,
                primitive::concat<Axis>::template begin_of<Index, X...>);
    template <class T>
    using kernel = move_kernel<T, moved<result, part, moves_to_place>>;
};
template <class T, int Axis, class... X>
struct kernels_for<T, compute<primitive::concat<Axis>, X...>> {
private:
    template <int... Index>
    static auto all(std::integer_sequence<int, Index...>)
        -> passes<typename moves_to_place<Axis, Index, X...>::template kernel<T>...>;

public:
    using type = decltype(all(std::make_integer_sequence<int, sizeof...(X)>{}));
};

/// From an image in PyTorch's order to one in memory's, or back: one of the two is a row of the same elements.
template <bool ToChannelsLast, class X>
struct moves_of_image {
    static constexpr extents image = extents_of<typename X::result_shape>();
    static constexpr extents row{1, {static_cast<int>(image.size())}};
    static constexpr movement value = ToChannelsLast ? reshaping(row, image) : reshaping(image, row);
};
template <class T, bool ToChannelsLast, class X>
struct kernels_for<T, compute<primitive::reorder_image<ToChannelsLast>, X>>
    : movement_kernels<T, compute<primitive::reorder_image<ToChannelsLast>, X>, X,
                       moves_of_image<ToChannelsLast, X>> {};

/// The sum over one shard, which is all that a replica sees by itself.
template <class T, class X>
struct kernels_for<T, compute<primitive::sum_over_shards, X>> {
    using type = passes<elementwise<T, X>>;
};

} // namespace lockstep::grid
