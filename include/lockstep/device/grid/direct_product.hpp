// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/device/grid/product.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace lockstep::grid {

/// Parts of the sums of a direct product, so that there are enough threads.
template <class Product>
struct direct_split {
    static constexpr std::int64_t wanted_threads = 1 << 17, least_depth = 64;

    static constexpr bool may_split = Product::depth(std::int64_t{1} << 30) >= 2 * least_depth;

    static constexpr std::int64_t depth_of_part(std::int64_t samples) {
        if constexpr (!may_split) return Product::depth(samples);
        std::int64_t const results = std::max<std::int64_t>(1, Product::result_size(samples));
        return shared_evenly(Product::depth(samples), wanted_threads / results, least_depth);
    }
    static constexpr std::int64_t parts(std::int64_t samples) {
        if constexpr (!may_split) return 1;
        std::int64_t const each = depth_of_part(samples);
        return std::max<std::int64_t>(1, (Product::depth(samples) + each - 1) / each);
    }
};

/// Many products beside each other that are too narrow for tiles, as the groups of a depthwise convolution, see
/// product.hpp. A unit is one element of one part; neighbours compute neighbours.
template <class T, class R, class Product>
struct direct_product : kernel_base<1> {
    using split = direct_split<Product>;

    static constexpr std::int64_t units(call const& c) {
        return split::parts(c.samples) * Product::rows(c.samples) * Product::places(c.samples) * Product::columns;
    }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        std::int64_t const column = unit % Product::columns, places = Product::places(c.samples);
        std::int64_t const place = unit / Product::columns % places, rest = unit / Product::columns / places;
        std::int64_t const index = split::may_split ? rest / Product::rows(c.samples) : 0;
        std::int64_t const row = rest - index * Product::rows(c.samples), start = Product::row_start(place, row);
        if (start < 0) return;
        std::int64_t const span = split::depth_of_part(c.samples), first = index * span;
        std::int64_t const last = std::min(depth_of<Product>(c.samples, place), first + span);
        auto const left = Product::left(c, place);
        auto const right = Product::right(c, place);
        auto const left_line = left.line(row);
        auto const right_line = right.line(column);
        T sum = 0;
        for (std::int64_t k = first; k < last; ++k)
            sum += left.at(left_line, left.step(k)) * right.at(right_line, right.step(k));
        result_of_part<T, R, Product, split>(c, index).write(start + column, sum);
    }
};

/// What kernels_for such products inherits.
template <class T, class R, class Product>
struct direct_kernels {
    using split = direct_split<Product>;
    using type = std::conditional_t<split::may_split, passes<direct_product<T, R, Product>, add_parts<T, R, Product, split>>,
                                    passes<direct_product<T, R, Product>>>;

    static constexpr std::int64_t scratch_bytes(std::int64_t samples) {
        if constexpr (split::may_split) return bytes_of_parts<T, Product, split>(samples);
        else return 0;
    }
};

} // namespace lockstep::grid
