// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/combine.hpp>
#include <lockstep/device/grid/combine_parts.hpp>
#include <lockstep/device/grid/element.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/reduction_tile.hpp>
#include <lockstep/device/grid/walk.hpp>
#include <lockstep/expression/reduce.hpp>

#include <algorithm>
#include <cstdint>

namespace lockstep::grid {

/// The axes of `From`, and its samples, that stay when it is reduced to `To`, or those that are summed over.
template <class From, class To>
constexpr axis_walk reduction_walk(bool stay) {
    constexpr extents from = extents_of<typename From::result_shape>(), to = extents_of<typename To::result_shape>();
    memory_axes const own = memory_axes_of(from), steps = broadcast_steps(to, from);
    axis_walk walk;
    if (From::per_sample && To::per_sample == stay) walk.add({any_extent, from.size(), stay ? to.size() : 0});
    for (int i = 0; i < own.count; ++i)
        if ((steps.step[i] != 0) == stay) walk.add({own.extent[i], own.step[i], steps.step[i]});
    return walk;
}

/// An index of what stays and one of what is summed over give an element of From: the sum of their places.
template <class From, class To>
struct reduction_axes {
    static_assert(From::per_sample || !To::per_sample, "samples are reduced, not made");

    struct kept {
        static constexpr axis_walk value = reduction_walk<From, To>(true);
    };
    struct summed {
        static constexpr axis_walk value = reduction_walk<From, To>(false);
    };
    static constexpr bool sums_samples = From::per_sample && !To::per_sample;
    /// Values for each result; for each sample, if these are summed over.
    static constexpr std::int64_t length_of_sample = From::result_shape::size / To::result_shape::size;

    static constexpr std::int64_t results(std::int64_t samples) {
        return To::result_shape::size * (To::per_sample ? samples : 1);
    }
    static constexpr std::int64_t length(std::int64_t samples) {
        return length_of_sample * (sums_samples ? samples : 1);
    }
};

/// Reduces an elementwise chain over everything that was broadcast; the chain's values are never stored. Groups have
/// neighbouring results if these lie next to each other, as the columns of a bias gradient do, else neighbouring
/// values of a row. A unit is one part of a group's results; where there are several parts, they go to scratch memory.
template <class T, class R, class Operation, class From, class To>
class reduction {
    using axes = reduction_axes<From, To>;
    static constexpr std::int64_t known_length = axes::sums_samples ? any_extent : axes::length_of_sample;
    static constexpr int contiguous = axes::kept::value.contiguous(&shared_axis::from);
    static constexpr bool across = contiguous >= 0;
    static constexpr tile_extents extents_of_tile = [] {
        if constexpr (across) return tile_extents::across(axes::kept::value.axis[contiguous].extent, known_length);
        else return tile_extents::along(known_length);
    }();
    using tile = reduction_tile<T, Operation, extents_of_tile, across>;
    /// Values that are worth a group of its own: sixteen for each member.
    static constexpr std::int64_t least = 16 * tile::height;

public:
    static constexpr bool has_parts = axes::sums_samples || axes::length_of_sample >= 2 * least;

    struct first_pass : kernel_base<tile_extents::members, typename tile::shared_type> {
        static constexpr std::int64_t units(call const& c) { return groups(c.samples) * parts(c.samples); }
        static constexpr void run(call const& c, std::int64_t unit, auto const& group, auto& shared) {
            std::int64_t const results = axes::results(c.samples), length = axes::length(c.samples);
            std::int64_t const all = parts(c.samples), part = unit % all, part_length = (length + all - 1) / all;
            std::int64_t const begin = part * part_length, end = std::min(begin + part_length, length);
            tile::run(
                unit / all * tile::width, results, begin, end, group, shared,
                [&c](std::int64_t result) {
                    return [&c, first = place_in<typename axes::kept>(result).from](std::int64_t i) {
                        return element_of<T, From>::at(c, first + place_in<typename axes::summed>(i).from);
                    };
                },
                [&](std::int64_t result, T value) {
                    if (all > 1) static_cast<T*>(c.scratch)[part * results + result] = value;
                    else store(c, result, value);
                });
        }
    };

    // What combine_parts asks for.
    static constexpr std::int64_t results(std::int64_t samples) { return axes::results(samples); }
    static constexpr std::int64_t parts(std::int64_t samples) {
        return has_parts ? parts_of(groups(samples), axes::length(samples), least) : 1;
    }
    static constexpr void store(call const& c, std::int64_t result, T value) {
        c.out<R>()[place_in<typename axes::kept>(result).to] = value;
    }
    static constexpr std::int64_t scratch_bytes(std::int64_t samples) {
        constexpr std::int64_t bytes = sizeof(T);
        return most_part_values(results(samples), tile::width, axes::length(samples), least) * bytes;
    }

private:
    static constexpr std::int64_t groups(std::int64_t samples) {
        return (results(samples) + tile::width - 1) / tile::width;
    }
};

/// The kernels of a reduction: most sums for each sample are too short for a second pass.
template <class Reduction, bool HasParts = Reduction::has_parts>
struct reduction_kernels {
    using type = passes<typename Reduction::first_pass>;
};
template <class T, class R, class Operation, class From, class To>
struct reduction_kernels<reduction<T, R, Operation, From, To>, true> {
    using whole = reduction<T, R, Operation, From, To>;
    using type = passes<typename whole::first_pass, combine_parts<T, Operation, whole>>;
    static constexpr std::int64_t scratch_bytes(std::int64_t samples) { return whole::scratch_bytes(samples); }
};

template <class T, class Shape, bool PerSample, class X, class R>
struct kernels_for<T, compute<primitive::sum_to<Shape, PerSample>, X>, R>
    : reduction_kernels<reduction<T, R, add_values, X, compute<primitive::sum_to<Shape, PerSample>, X>>> {};
template <class T, class Shape, bool PerSample, class X, class R>
struct kernels_for<T, compute<primitive::max_to<Shape, PerSample>, X>, R>
    : reduction_kernels<reduction<T, R, larger_value, X, compute<primitive::max_to<Shape, PerSample>, X>>> {};

} // namespace lockstep::grid
