// SPDX-License-Identifier: MIT
// Movements for a grid are those of a host, element by element and by tiles.
#include "../../unit/device/random_shapes.hpp"
#include "member_order.hpp"

#include <lockstep/expression/layout.hpp>
#include <lockstep/expression/movement.hpp>
#include <lockstep/expression/shards.hpp>

#include <algorithm>
#include <utility>

namespace {

using namespace grid_kernels;
using host_kernels::random_elements;
using random_shapes::for_each_case;
using random_shapes::number;
using random_shapes::shape_of;

namespace primitive = ls::primitive;

/// Nothing is computed, so all bits are the same.
template <class T, class E>
void check_equal(std::vector<void const*> const& operands, std::int64_t samples) {
    CHECK(on_grid<T, E>(operands, samples) == on_host<T, E>(operands, samples));
    check_any_order<T, E>(operands, samples, samples);
}

template <class T, class Primitive, class Shape, bool PerSample = true>
void compare(std::int64_t samples = 3) {
    using x = operand<0, Shape, PerSample>;
    using e = ls::compute<Primitive, x>;
    auto const values = random_elements<T>(Shape::size * (PerSample ? std::max<std::int64_t>(samples, 1) : 1), 1);
    INFO(std::string(Primitive::name), " of ", to_string(ls::extents_of<Shape>()), ", ", samples, " samples");
    check_equal<T, e>({values.data()}, samples);
}

/// Whether a movement goes by tiles.
template <class Primitive, class Shape>
constexpr bool takes_tiles = [] {
    using x = operand<0, Shape>;
    return ls::grid::moves_tiles<ls::grid::moved<ls::compute<Primitive, x>, x, ls::grid::moves_of<Primitive, x>>>;
}();

/// Axes in a random order.
template <int Rank, unsigned Seed>
constexpr std::array<int, 4> axis_order = [] {
    std::array<int, 4> result{0, 1, 2, 3};
    for (int i = Rank - 1; i > 0; --i)
        std::swap(result[static_cast<std::size_t>(i)],
                  result[number(Seed, 50 + static_cast<unsigned>(i)) % static_cast<unsigned>(i + 1)]);
    return result;
}();

} // namespace

TEST_CASE_TEMPLATE("movements for a grid: any axes of any rank", T, float, double) {
    for_each_case<16>([]<unsigned Seed> {
        using whole = shape_of<Seed, 1>;
        constexpr int axis = static_cast<int>(number(Seed, 30) % whole::rank), extent = whole::extents[axis];
        constexpr int begin = static_cast<int>(number(Seed, 31) % extent);
        compare<T, primitive::slice<axis, begin, extent - begin>, whole, Seed % 2 == 0>();
        compare<T, primitive::place<axis, begin, extent + begin + 2>, whole, Seed % 2 == 0>();
        compare<T, primitive::reshape<ls::shape<static_cast<int>(whole::size)>>, whole>();
        [] <std::size_t... I>(std::index_sequence<I...>) {
            compare<T, primitive::transpose<axis_order<whole::rank, Seed>[I]...>, whole>();
        }(std::make_index_sequence<whole::rank>{});
    });
}

TEST_CASE_TEMPLATE("movements for a grid: tiles of transposed axes", T, float, double) {
    auto const check = []<class Primitive, class Shape>(Primitive, Shape) {
        static_assert(takes_tiles<Primitive, Shape>);
        compare<T, Primitive, Shape>(0);
        compare<T, Primitive, Shape>(1);
        compare<T, Primitive, Shape>(3);
    };
    check(primitive::transpose<1, 0>{}, ls::shape<33, 47>{});
    check(primitive::transpose<1, 0>{}, ls::shape<64, 32>{});
    check(primitive::transpose<2, 3, 0, 1>{}, ls::shape<4, 17, 5, 40>{});
    check(primitive::transpose<3, 1, 2, 0>{}, ls::shape<16, 3, 2, 35>{});
    check(primitive::transpose<0, 3, 2, 1>{}, ls::shape<2, 16, 3, 31>{});
    check(primitive::reshape<ls::shape<20 * 77>>{}, ls::shape<20, 7, 11>{});
    check(primitive::reshape<ls::shape<20, 7, 11>>{}, ls::shape<20 * 77>{});
    // Heads of an attention: the last axis stays, so nothing is gained by tiles.
    static_assert(!takes_tiles<primitive::transpose<0, 2, 1, 3>, ls::shape<2, 32, 16, 64>>);
    compare<T, primitive::transpose<0, 2, 1, 3>, ls::shape<2, 32, 16, 64>>(1);
}

TEST_CASE_TEMPLATE("movements for a grid: what needs no movement is one axis", T, float, double) {
    using x = operand<0, ls::shape<4, 3, 5, 7>>;
    using reshape = primitive::reshape<ls::shape<20, 21>>;
    static_assert(ls::grid::moved<ls::compute<reshape, x>, x, ls::grid::moves_of<reshape, x>>::value.count == 1);
    compare<T, reshape, ls::shape<4, 3, 5, 7>>();
}

TEST_CASE_TEMPLATE("movements for a grid: images from and to channels-last", T, float, double) {
    auto const check = []<class Shape>(Shape) {
        compare<T, primitive::reorder_image<true>, Shape>();
        compare<T, primitive::reorder_image<false>, Shape>();
    };
    check(ls::shape<3, 19, 21>{});
    check(ls::shape<1, 5, 7>{});
    check(ls::shape<9, 1, 1>{});
    check(ls::shape<17, 5, 7>{});
    check(ls::shape<70, 8, 8>{});
}

TEST_CASE_TEMPLATE("movements for a grid: concatenation, also of shared values and of one twice", T, float, double) {
    auto const a = random_elements<T>(3 * 4 * 5 * 3, 1), b = random_elements<T>(3 * 2 * 5 * 3, 2),
               c = random_elements<T>(7 * 5 * 3, 3);
    using x = operand<0, ls::shape<4, 5, 3>>;
    using y = operand<1, ls::shape<2, 5, 3>>;
    using z = operand<2, ls::shape<7, 5, 3>, false>;
    check_equal<T, ls::compute<primitive::concat<0>, x, y, z>>({a.data(), b.data(), c.data()}, 3);
    check_equal<T, ls::compute<primitive::concat<2>, x, x>>({a.data()}, 3);
    check_equal<T, ls::compute<primitive::concat<1>, x, x>>({a.data()}, 0);
    using matrix = operand<0, ls::shape<6, 10>>;
    using token = operand<1, ls::shape<1, 10>, false>;
    check_equal<T, ls::compute<primitive::concat<0>, token, matrix>>({a.data(), b.data()}, 3);
    check_equal<T, ls::compute<primitive::concat<1>, matrix, matrix, matrix>>({a.data()}, 2);
}

TEST_CASE_TEMPLATE("movements for a grid: the sum over one shard is the value", T, float, double) {
    auto const values = random_elements<T>(60, 1);
    check_equal<T, ls::compute<primitive::sum_over_shards, operand<0, ls::shape<3, 4, 5>, false>>>({values.data()}, 4);
}
