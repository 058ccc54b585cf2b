// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/tile_product.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

/// Kernels for everything that is a product of matrices. A product P says, all static constexpr,
///   P::tile                     the product_tile that suits its shape
///   P::columns                  of the result
///   P::rows(samples), P::depth(samples)
///   P::places(samples)          how many such products there are, beside each other
///   P::depth_of(samples, place) where places sum over less than P::depth
///   P::left(call, place), P::right(call, place)   operands, see operand.hpp
///   P::result_size(samples)     elements of the whole result
///   P::row_start(place, row)    where a row of a place's result begins; negative where it is no part of the result
namespace lockstep::grid {

/// Samples that a product's tile is chosen for, where its rows are those of all samples.
inline constexpr std::int64_t typical_samples = 64;

/// How long each part of a sum of `length` is where `parts` of at least `least` are wanted; at least 1.
constexpr std::int64_t shared_evenly(std::int64_t length, std::int64_t parts, std::int64_t least) {
    std::int64_t const count = std::clamp<std::int64_t>(parts, 1, std::max<std::int64_t>(1, length / least));
    return std::max<std::int64_t>(1, (length + count - 1) / count);
}
/// How deep a place's product is.
template <class Product>
constexpr std::int64_t depth_of(std::int64_t samples, std::int64_t place) {
    if constexpr (requires { Product::depth_of(samples, place); }) return Product::depth_of(samples, place);
    else return Product::depth(samples);
}

/// How a product is shared by groups. Where the result has few tiles, the summed axis is cut into parts, each of which
/// is a result of its own in scratch memory, to be added up afterwards.
template <class Product>
struct product_split {
    using tile = typename Product::tile;
    /// Two for each processor of a large device.
    static constexpr std::int64_t wanted_groups = 256;
    /// Shorter sums are not worth another pass.
    static constexpr std::int64_t least_steps = 8;

    static constexpr std::int64_t tiles_across = (Product::columns + tile::columns - 1) / tile::columns;
    static constexpr std::int64_t tiles_down(std::int64_t samples) {
        return (Product::rows(samples) + tile::rows - 1) / tile::rows;
    }
    static constexpr std::int64_t tiles(std::int64_t samples) {
        return Product::places(samples) * tiles_down(samples) * tiles_across;
    }
    /// Whether there can be more than one part.
    static constexpr bool may_split = Product::depth(std::int64_t{1} << 30) >= 2 * least_steps * tile::depth;

    static constexpr std::int64_t depth_of_part(std::int64_t samples) {
        if constexpr (!may_split) return Product::depth(samples);
        std::int64_t const steps = (Product::depth(samples) + tile::depth - 1) / tile::depth;
        std::int64_t const wanted = wanted_groups / std::max<std::int64_t>(1, tiles(samples));
        return shared_evenly(steps, wanted, least_steps) * tile::depth;
    }
    static constexpr std::int64_t parts(std::int64_t samples) {
        if constexpr (!may_split) return 1;
        std::int64_t const each = depth_of_part(samples);
        return std::max<std::int64_t>(1, (Product::depth(samples) + each - 1) / each);
    }
};

/// Where a part's result goes.
template <class T, class R, class Product, class Split>
constexpr part_result<T, R> result_of_part(call const& c, std::int64_t part) {
    return {c, Split::parts(c.samples) > 1, part * Product::result_size(c.samples)};
}

/// A unit is one tile of one part.
template <class T, class R, class Product>
struct product_tiles : kernel_base<Product::tile::members, shared_product_tile<T, typename Product::tile>> {
    using tile = typename Product::tile;
    using split = product_split<Product>;

    static constexpr std::int64_t units(call const& c) { return split::tiles(c.samples) * split::parts(c.samples); }

    template <class Group>
    static constexpr void run(call const& c, std::int64_t unit, Group const& group,
                              shared_product_tile<T, tile>& shared) {
        std::int64_t const across = unit % split::tiles_across, rest = unit / split::tiles_across;
        std::int64_t const tiles_down = split::tiles_down(c.samples), down = rest % tiles_down;
        std::int64_t const places = Product::places(c.samples), place = rest / tiles_down % places;
        std::int64_t const index = rest / tiles_down / places, span = split::depth_of_part(c.samples);
        product_part part;
        part.first_row = down * tile::rows;
        part.rows = Product::rows(c.samples);
        part.first_column = across * tile::columns;
        part.columns = Product::columns;
        part.first_step = index * span;
        part.last_step = std::min(depth_of<Product>(c.samples, place), part.first_step + span);
        part_result<T, R> const result = result_of_part<T, R, Product, split>(c, index);
        compute_tile<T, tile>(part, Product::left(c, place), Product::right(c, place), group, shared,
                              [=](std::int64_t row, std::int64_t column, T value) {
                                  std::int64_t const start = Product::row_start(place, row);
                                  if (start >= 0) result.write(start + column, value);
                              });
    }
};

/// The sum of the parts that `Split` says there are, in their order; nothing to do where there is one. A unit is an
/// element of the result.
template <class T, class R, class Product, class Split = product_split<Product>>
struct add_parts : kernel_base<1> {
    static constexpr std::int64_t units(call const& c) {
        return Split::parts(c.samples) > 1 ? Product::result_size(c.samples) : 0;
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        T const* const part = static_cast<T const*>(c.scratch) + unit;
        T sum = part[0];
        for (std::int64_t i = 1; i < Split::parts(c.samples); ++i) sum += part[i * Product::result_size(c.samples)];
        c.template out<R>()[unit] = sum;
    }
};

/// Bytes for the parts of up to so many samples: with fewer samples there may be more parts.
template <class T, class Product, class Split>
constexpr std::int64_t bytes_of_parts(std::int64_t samples) {
    std::int64_t most = 0;
    for (std::int64_t n = 1; n <= samples; ++n)
        if (Split::parts(n) > 1) most = std::max(most, Split::parts(n) * Product::result_size(n));
    return most * std::int64_t{sizeof(T)};
}

/// What kernels_for a product inherits.
template <class T, class R, class Product>
struct product_kernels {
    using split = product_split<Product>;
    using type = std::conditional_t<split::may_split, passes<product_tiles<T, R, Product>, add_parts<T, R, Product>>,
                                    passes<product_tiles<T, R, Product>>>;

    static constexpr std::int64_t scratch_bytes(std::int64_t samples) {
        if constexpr (split::may_split) return bytes_of_parts<T, Product, split>(samples);
        else return 0;
    }
};

} // namespace lockstep::grid
