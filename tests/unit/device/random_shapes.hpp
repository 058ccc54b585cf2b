// SPDX-License-Identifier: MIT
#pragma once

#include <lockstep/shape/broadcast.hpp>
#include <lockstep/shape/shape.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

/// Shapes that nobody chose, for comparisons with plain loops in PyTorch's order.
namespace random_shapes {

namespace ls = lockstep;

/// The same numbers at compile time, always: number `index` of a case (the finalizer of MurmurHash3).
constexpr unsigned number(unsigned seed, unsigned index) {
    std::uint32_t h = seed * 0x9e3779b9u + index * 0x85ebca6bu + 1;
    h = (h ^ (h >> 16)) * 0x85ebca6bu;
    h = (h ^ (h >> 13)) * 0xc2b2ae35u;
    return h ^ (h >> 16);
}

/// Rank Least to 4; an extent is 1 as often as a prime.
template <unsigned Seed, int Least>
struct shape_rule {
    static constexpr ls::extents value = [] {
        constexpr int choices[] = {1, 2, 3, 5};
        ls::extents result;
        result.rank = Least + static_cast<int>(number(Seed, 0) % (5 - Least));
        for (int axis = 0; axis < result.rank; ++axis)
            result.extent[axis] = choices[number(Seed, 1 + static_cast<unsigned>(axis)) % 4];
        return result;
    }();
};
template <unsigned Seed, int Least = 0>
using shape_of = ls::shape_from<shape_rule<Seed, Least>>;

/// A shape that broadcasts to Whole: without some of the first axes, with extent 1 along some others.
template <class Whole, unsigned Seed>
struct part_rule {
    static constexpr ls::extents value = [] {
        ls::extents result;
        int const dropped =
            static_cast<int>(number(Seed, 20) % (Whole::rank + 1)) * static_cast<int>(number(Seed, 21) % 2);
        for (int axis = dropped; axis < Whole::rank; ++axis)
            result.extent[result.rank++] =
                number(Seed, 22 + static_cast<unsigned>(axis)) % 3 == 0 ? 1 : Whole::extents[axis];
        return result;
    }();
};
template <class Whole, unsigned Seed>
using part_of = ls::shape_from<part_rule<Whole, Seed>>;

using place = std::array<int, ls::max_rank>;

/// Every place of a shape in PyTorch's order.
void for_each_place(ls::extents const& shape, auto&& visit) {
    place at{};
    for (std::int64_t n = 0; n < shape.size(); ++n) {
        visit(at);
        for (int axis = shape.rank; axis-- > 0;) {
            if (++at[axis] < shape.extent[axis]) break;
            at[axis] = 0;
        }
    }
}

/// The number in PyTorch's order of the element of `shape` that is read at a place of a shape of `rank` axes, to which
/// it broadcasts.
inline std::int64_t element_at(ls::extents const& shape, place const& at, int rank) {
    std::int64_t element = 0;
    for (int axis = 0; axis < shape.rank; ++axis)
        element = element * shape.extent[axis] + (shape.extent[axis] == 1 ? 0 : at[axis + rank - shape.rank]);
    return element;
}
inline std::int64_t element_at(ls::extents const& shape, place const& at) { return element_at(shape, at, shape.rank); }

inline std::vector<double> elements(std::int64_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> element(-1.0, 1.0);
    std::vector<double> result(static_cast<std::size_t>(count));
    for (double& value : result) value = element(generator);
    return result;
}

/// Calls case_of.template operator()<0>() to <Cases - 1>().
template <unsigned Cases>
void for_each_case(auto&& case_of) {
    [&]<unsigned... Seed>(std::integer_sequence<unsigned, Seed...>) {
        (case_of.template operator()<Seed>(), ...);
    }(std::make_integer_sequence<unsigned, Cases>{});
}

/// The largest difference of two lists of numbers; infinite where their lengths differ.
double largest_difference(auto const& found, std::vector<double> const& expected) {
    if (static_cast<std::size_t>(std::size(found)) != expected.size()) return HUGE_VAL;
    double largest = 0.0;
    for (std::size_t i = 0; i < expected.size(); ++i)
        if (double const each = std::abs(found[i] - expected[i]); !(each <= largest)) largest = each;
    return largest;
}

} // namespace random_shapes
