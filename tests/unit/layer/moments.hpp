// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/layer/initializer.hpp>
#include <lockstep/shape/shape.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <vector>

namespace tests {

namespace ls = lockstep;

inline ls::extents shape_of(std::initializer_list<int> sizes) {
    ls::extents shape;
    shape.rank = static_cast<int>(sizes.size());
    std::ranges::copy(sizes, shape.extent.begin());
    return shape;
}

template <class Initializer>
std::vector<double> filled(ls::extents const& shape, int parameter = 0) {
    std::vector<double> values(static_cast<std::size_t>(shape.size()), -99.0);
    Initializer::fill(values, shape, ls::parameter_key(ls::seed{7}, parameter));
    return values;
}

/// Of a sample: mean, standard deviation, the fourth central moment over the variance's square, and the ends.
struct moments {
    double mean = 0.0, deviation = 0.0, kurtosis = 0.0, smallest = 0.0, largest = 0.0;

    explicit moments(std::vector<double> const& values) {
        auto const count = static_cast<double>(values.size());
        for (double const value : values) mean += value / count;
        double fourth = 0.0, variance = 0.0;
        for (double const value : values) {
            double const square = (value - mean) * (value - mean);
            variance += square / count;
            fourth += square * square / count;
        }
        deviation = std::sqrt(variance);
        kurtosis = fourth / (variance * variance);
        auto const [least, most] = std::ranges::minmax(values);
        smallest = least, largest = most;
    }
};

} // namespace tests
