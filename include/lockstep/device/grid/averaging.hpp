// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/grid/image_place.hpp>
#include <lockstep/device/grid/kernel.hpp>
#include <lockstep/expression/pooling.hpp>

#include <cstdint>

/// Averages over parts of images [height][width][channels], and their gradient, gathered as that of a maximum is.
namespace lockstep::grid {

/// The positions of averages that a pixel is in. `part(position)` are averaged_pixels, neither of whose ends ever moves
/// back.
constexpr window_range averages_around(int pixel, int positions, auto const& part) {
    auto const first_where = [positions](auto const& holds) {
        int low = 0, high = positions;
        while (low < high) {
            int const middle = (low + high) / 2;
            if (holds(middle)) high = middle;
            else low = middle + 1;
        }
        return low;
    };
    return {first_where([&](int position) { return part(position).last > pixel; }),
            first_where([&](int position) { return part(position).first > pixel; })};
}

/// One over the number that an average divides by.
template <class T, class Geometry>
constexpr T average_weight(int out_row, int out_column) {
    return T(1) / static_cast<T>(Geometry::rows(out_row).count * Geometry::columns(out_column).count);
}

template <class T, class R, class Geometry, class X>
struct avg_pool : kernel_base<1> {
    using g = Geometry;
    static constexpr std::int64_t units(call const& c) { return g::output_size * (X::per_sample ? c.samples : 1); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        image_place const to = image_place::of<g::out_height, g::out_width, g::channels>(unit);
        auto const* const x = elements_of<T, X>(c) + to.sample * g::input_size + to.channel;
        averaged_pixels const rows = g::rows(to.row), columns = g::columns(to.column);
        T sum = 0;
        for (int row = rows.first; row < rows.last; ++row)
            for (int column = columns.first; column < columns.last; ++column)
                sum += x[(std::int64_t{row} * g::in_width + column) * g::channels];
        c.template out<R>()[unit] = sum * average_weight<T, g>(to.row, to.column);
    }
};

/// The sum of the shares that a pixel has in averages.
template <class T, class R, class Geometry, class G>
struct avg_pool_gradient : kernel_base<1> {
    using g = Geometry;
    static constexpr std::int64_t units(call const& c) { return g::input_size * (G::per_sample ? c.samples : 1); }
    static constexpr void run(call const& c, std::int64_t unit, auto const&, nothing_shared&) {
        image_place const from = image_place::of<g::in_height, g::in_width, g::channels>(unit);
        auto const* const dy = elements_of<T, G>(c) + from.sample * g::output_size + from.channel;
        auto const rows = averages_around(from.row, g::out_height, [](int row) { return g::rows(row); });
        auto const columns = averages_around(from.column, g::out_width, [](int column) { return g::columns(column); });
        T sum = 0;
        for (int row = rows.first; row < rows.last; ++row)
            for (int column = columns.first; column < columns.last; ++column) {
                T const upstream = dy[(std::int64_t{row} * g::out_width + column) * g::channels];
                sum += upstream * average_weight<T, g>(row, column);
            }
        c.template out<R>()[unit] = sum;
    }
};

template <class T, class Average, class X, class R>
struct kernels_for<T, compute<primitive::avg_pool<Average>, X>, R> {
    using type = passes<avg_pool<T, R, typename primitive::avg_pool<Average>::template geometry<X>, X>>;
};
template <class T, class Geometry, class G, class R>
struct kernels_for<T, compute<primitive::avg_pool_gradient<Geometry>, G>, R> {
    using type = passes<avg_pool_gradient<T, R, Geometry, G>>;
};

} // namespace lockstep::grid
