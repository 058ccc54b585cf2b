// SPDX-License-Identifier: MIT
#include <lockstep/shape/shape.hpp>

#include <array>
#include <concepts>

namespace ls = lockstep;

// A shape is its extents, and nothing is stored in it.
using image = ls::shape<3, 32, 28>;
static_assert(image::rank == 3);
static_assert(image::extents == std::array{3, 32, 28});
static_assert(image::size == 3 * 32 * 28);
static_assert(std::is_empty_v<image>);
static_assert(!std::same_as<ls::shape<2, 3>, ls::shape<3, 2>>);

// A scalar has no axes and one element.
static_assert(ls::shape<>::rank == 0);
static_assert(ls::shape<>::size == 1);

// Sizes are counted in 64 bits.
static_assert(ls::shape<65536, 65536>::size == std::int64_t{1} << 32);

// The concept takes shapes alone.
static_assert(ls::any_shape<image>);
static_assert(ls::any_shape<ls::shape<>>);
static_assert(!ls::any_shape<int>);
static_assert(!ls::any_shape<image const&>);
static_assert(!ls::any_shape<ls::extents>);

// As a value, the axes past the rank don't count.
static_assert(ls::extents_of<image>().rank == 3);
static_assert(ls::extents_of<image>().size() == image::size);
static_assert(ls::extents_of<ls::shape<>>().size() == 1);
static_assert(ls::extents_of<image>() == ls::extents_of<ls::shape<3, 32, 28>>());
static_assert(ls::extents_of<ls::shape<2, 3>>() != ls::extents_of<ls::shape<3, 2>>());
static_assert(ls::extents_of<ls::shape<2>>() != ls::extents_of<ls::shape<2, 1>>());

// The largest rank that fits, and one more.
template <class Shape>
concept has_extents = requires { ls::extents_of<Shape>(); };
static_assert(has_extents<ls::shape<1, 2, 3, 4, 5, 6>>);
static_assert(!has_extents<ls::shape<1, 2, 3, 4, 5, 6, 7>>);
