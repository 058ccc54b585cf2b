// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/device/host/library.hpp>
#include <lockstep/device/host/row_tail.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace host_kernels {

namespace host = lockstep::host;

template <class T, class Library>
struct with {
    using element = T;
    using library = Library;
};

#if defined(LOCKSTEP_WITH_ONEDNN) && LOCKSTEP_WITH_ONEDNN
#define EVERY_WITH                                                                                             \
    with<float, host::portable>, with<double, host::portable>, with<float, host::onednn>,                      \
        with<double, host::onednn>
#else
#define EVERY_WITH with<float, host::portable>, with<double, host::portable>
#endif

template <class T>
std::vector<T> random_elements(std::int64_t size, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<T> element(-1, 1);
    std::vector<T> result(static_cast<std::size_t>(size));
    for (T& value : result) value = element(generator);
    return result;
}

template <class T>
std::vector<T> magnitudes(std::vector<T> values) {
    for (T& value : values) value = std::abs(value);
    return values;
}

// Two sums of the same `terms` products in any order differ by at most (terms + 1) epsilon times the sum of
// the products' magnitudes.
template <class T>
void check_close(std::vector<T> const& found, std::vector<T> const& expected, std::vector<T> const& magnitude,
                 std::int64_t terms) {
    T const unit = std::numeric_limits<T>::epsilon() * static_cast<T>(terms + 1);
    std::int64_t wrong = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
        wrong += !(std::abs(found[i] - expected[i]) <= unit * magnitude[i]);
    CHECK(wrong == 0);
}

// Counts how often each row was handed over and adds one to its elements, so that a row handed over before
// it was final shows as well.
template <class T>
struct counting_tail {
    T* result;
    std::int64_t columns;
    mutable std::vector<int> calls;

    static void run(void const* context, std::int64_t first, std::int64_t rows) {
        auto const& self = *static_cast<counting_tail const*>(context);
        for (std::int64_t row = first; row < first + rows; ++row) {
            ++self.calls.at(static_cast<std::size_t>(row));
            for (std::int64_t column = 0; column < self.columns; ++column)
                self.result[row * self.columns + column] += T{1};
        }
    }
    host::row_tail tail() const { return {&run, this}; }
    bool every_row_once() const {
        for (int count : calls)
            if (count != 1) return false;
        return true;
    }
};

template <class T>
std::vector<T> unset(std::int64_t size) {
    return std::vector<T>(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
}

} // namespace host_kernels
