// SPDX-License-Identifier: MIT
// Movements of elements against plain loops in PyTorch's order.
#include "random_shapes.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/expression/elementwise.hpp>
#include <lockstep/expression/movement.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using namespace random_shapes;

struct x_tag {};
struct y_tag {};
struct g_tag {};

constexpr int samples = 2;

template <class E>
constexpr ls::extents extents_of_result = ls::extents_of<typename std::remove_cvref_t<E>::result_shape>();

/// Compares a movement with `source(place)`, the number of the element of x that goes to a place of the result, and
/// its gradient with the way back.
template <class Shape>
void compare_movement(auto moved, auto const& source) {
    constexpr ls::samples<x_tag, Shape> x;
    constexpr ls::extents to = extents_of_result<decltype(moved)>;
    constexpr ls::samples<g_tag, typename decltype(moved)::result_shape> g;
    auto const values = elements(Shape::size * samples, 1), weights = elements(to.size() * samples, 2);
    std::vector<double> expected, slope(values.size());
    for (int n = 0; n < samples; ++n)
        for_each_place(to, [&](place const& at) {
            auto const i = static_cast<std::size_t>(n * Shape::size + source(at));
            slope[i] += weights[expected.size()];
            expected.push_back(values[i]);
        });
    auto const [value, by_x] = ls::evaluate<double, ls::host::portable>(std::tuple{moved, gradient(moved * g, x)},
                                                                        ls::given(x, values), ls::given(g, weights));
    INFO(to_string(ls::extents_of<Shape>()), " to ", to_string(to));
    CHECK(largest_difference(value.elements(), expected) == 0.0);
    CHECK(largest_difference(by_x.elements(), slope) == 0.0);
}

/// Axes in a random order.
template <int Rank, unsigned Seed>
constexpr std::array<int, 4> axis_order = [] {
    std::array<int, 4> result{0, 1, 2, 3};
    for (int i = Rank - 1; i > 0; --i)
        std::swap(result[static_cast<std::size_t>(i)],
                  result[number(Seed, 50 + static_cast<unsigned>(i)) % static_cast<unsigned>(i + 1)]);
    return result;
}();

template <unsigned Seed>
void compare_transpose() {
    using shape = shape_of<Seed, 2>;
    constexpr auto order = axis_order<shape::rank, Seed>;
    [order]<std::size_t... I>(std::index_sequence<I...>) {
        constexpr ls::samples<x_tag, shape> x;
        compare_movement<shape>(ls::transpose<axis_order<shape::rank, Seed>[I]...>(x), [&](place const& at) {
            place from{};
            ((from[static_cast<std::size_t>(order[I])] = at[I]), ...);
            return element_at(ls::extents_of<shape>(), from);
        });
    }(std::make_index_sequence<shape::rank>{});
}

template <unsigned Seed>
void compare_slice() {
    using shape = shape_of<Seed, 1>;
    constexpr int axis = static_cast<int>(number(Seed, 60) % shape::rank), extent = shape::extents[axis];
    constexpr int begin = static_cast<int>(number(Seed, 61) % extent);
    constexpr int end = begin + 1 + static_cast<int>(number(Seed, 62) % (extent - begin));
    constexpr ls::samples<x_tag, shape> x;
    compare_movement<shape>(ls::slice<Seed % 2 == 0 ? axis : axis - shape::rank, begin, end>(x), [&](place at) {
        at[axis] += begin;
        return element_at(ls::extents_of<shape>(), at);
    });
}

/// To all axes in reverse order of extents, to one axis, and with an axis of 1 in front.
template <unsigned Seed>
void compare_reshape() {
    using shape = shape_of<Seed, 1>;
    constexpr ls::samples<x_tag, shape> x;
    constexpr auto reversed = []<std::size_t... I>(std::index_sequence<I...>) {
        return ls::shape<shape::extents[shape::rank - 1 - I]...>{};
    }(std::make_index_sequence<shape::rank>{});
    constexpr auto lengthened = []<std::size_t... I>(std::index_sequence<I...>) {
        return ls::shape<1, shape::extents[I]...>{};
    }(std::make_index_sequence<shape::rank>{});
    auto compare = [&](auto to) {
        using target = decltype(to);
        if constexpr (!std::is_same_v<target, shape>) // which is x itself
            compare_movement<shape>(ls::reshape<target>(x),
                                    [&](place const& at) { return element_at(ls::extents_of<target>(), at); });
    };
    compare(std::remove_const_t<decltype(reversed)>{});
    compare(std::remove_const_t<decltype(lengthened)>{});
    compare(ls::shape<static_cast<int>(shape::size)>{});
}

/// x, y, x along an axis, with y of another extent there.
template <unsigned Seed>
void compare_concat() {
    using shape = shape_of<Seed, 1>;
    constexpr int axis = static_cast<int>(number(Seed, 60) % shape::rank);
    using other = ls::shape_from<ls::primitive::with_extent<shape, axis, 1 + number(Seed, 63) % 4>>;
    constexpr ls::samples<x_tag, shape> x;
    constexpr ls::samples<y_tag, other> y;
    constexpr auto joined = ls::concat<Seed % 2 == 0 ? axis : axis - shape::rank>(x, y, x);
    constexpr ls::extents to = extents_of_result<decltype(joined)>;
    constexpr ls::samples<g_tag, typename std::remove_cvref_t<decltype(joined)>::result_shape> g;
    auto const x_values = elements(shape::size * samples, 1), y_values = elements(other::size * samples, 2),
               weights = elements(to.size() * samples, 3);
    std::vector<double> expected, x_slope(x_values.size()), y_slope(y_values.size());
    for (int n = 0; n < samples; ++n)
        for_each_place(to, [&](place at) {
            int const first = shape::extents[axis], second = first + other::extents[axis];
            bool const in_y = at[axis] >= first && at[axis] < second;
            at[axis] -= at[axis] >= second ? second : at[axis] >= first ? first : 0;
            auto const i = static_cast<std::size_t>(in_y ? n * other::size + element_at(ls::extents_of<other>(), at)
                                                         : n * shape::size + element_at(ls::extents_of<shape>(), at));
            (in_y ? y_slope : x_slope)[i] += weights[expected.size()];
            expected.push_back((in_y ? y_values : x_values)[i]);
        });
    auto const [value, by_x, by_y] =
        ls::evaluate<double, ls::host::portable>(std::tuple{joined, gradient(joined * g, x), gradient(joined * g, y)},
                                                 ls::given(x, x_values), ls::given(y, y_values), ls::given(g, weights));
    INFO(to_string(ls::extents_of<shape>()), " to ", to_string(to));
    CHECK(largest_difference(value.elements(), expected) == 0.0);
    CHECK(largest_difference(by_x.elements(), x_slope) < 1e-15);
    CHECK(largest_difference(by_y.elements(), y_slope) == 0.0);
}

} // namespace

TEST_CASE("elements go where plain loops put them, and gradients back") {
    SUBCASE("transpose") { for_each_case<16>([]<unsigned Seed> { compare_transpose<Seed>(); }); }
    SUBCASE("slice") { for_each_case<16>([]<unsigned Seed> { compare_slice<Seed>(); }); }
    SUBCASE("reshape") { for_each_case<10>([]<unsigned Seed> { compare_reshape<Seed>(); }); }
    SUBCASE("concat") { for_each_case<12>([]<unsigned Seed> { compare_concat<Seed>(); }); }
}
