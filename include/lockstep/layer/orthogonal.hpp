// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/error.hpp>
#include <lockstep/layer/initializer.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lockstep::initializer {

namespace detail {

inline double inner_product(std::span<double const> a, std::span<double const> b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

/// Makes rows of `size` elements, no more than that many, orthonormal: Gram and Schmidt's process, done twice, which
/// leaves no more than rounding (Giraud, Langou and Rozloznik 2005). Each row keeps a positive part of its own, so
/// of a normal matrix they are uniformly distributed over all such rows (Mezzadri 2007).
inline void orthonormalize(std::span<double> rows, std::size_t size) {
    for (std::size_t first = 0; first < rows.size(); first += size) {
        std::span<double> const row = rows.subspan(first, size);
        for (int pass = 0; pass < 2; ++pass) {
            for (std::size_t before = 0; before < first; before += size) {
                std::span<double const> const other = rows.subspan(before, size);
                double const share = inner_product(row, other);
                for (std::size_t i = 0; i < size; ++i) row[i] -= share * other[i];
            }
            double const length = std::sqrt(inner_product(row, row));
            for (double& value : row) value /= length;
        }
    }
}

} // namespace detail

/// Saxe, McClelland and Ganguli 2014, orthogonal_: a weight [out, in, window...] as a matrix of `out` rows is Gain
/// times one with orthonormal rows, or columns where these are fewer. Throws usage_error for a shape of fewer than
/// two axes.
template <double Gain = 1.0>
struct orthogonal {
    static void fill(std::span<double> values, extents const& shape, philox_key key) {
        if (shape.rank < 2)
            throw usage_error("initializer::orthogonal: expected a parameter of at least two axes, found " +
                              std::to_string(shape.rank));
        fill_normal(values, 0.0, 1.0, key);
        auto const rows = static_cast<std::size_t>(shape.extent[0]), columns = values.size() / rows;
        if (rows <= columns) {
            detail::orthonormalize(values, columns);
        } else {
            std::vector<double> transposed(values.size());
            for (std::size_t i = 0; i < values.size(); ++i) transposed[i % columns * rows + i / columns] = values[i];
            detail::orthonormalize(transposed, rows);
            for (std::size_t i = 0; i < values.size(); ++i) values[i] = transposed[i % columns * rows + i / columns];
        }
        for (double& value : values) value *= Gain;
    }
};

} // namespace lockstep::initializer
