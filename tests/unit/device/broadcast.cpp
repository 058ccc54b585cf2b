// SPDX-License-Identifier: MIT
// Operands of any rank broadcast against each other, as in PyTorch, in any order in memory; where one was broadcast,
// its gradient is a sum.
#include "random_shapes.hpp"

#include <lockstep/device/host/evaluate.hpp>
#include <lockstep/device/host/portable.hpp>
#include <lockstep/expression/elementwise.hpp>

#include <doctest/doctest.h>

namespace {

using namespace random_shapes;

struct a_tag {};
struct b_tag {};

constexpr int samples = 3;

/// a b + a for two parts of a shape, each of them shared by all samples or not.
template <unsigned Seed>
void compare_broadcast() {
    using whole = shape_of<Seed>;
    using a_shape = part_of<whole, Seed>;
    using b_shape = part_of<whole, Seed + 100>;
    constexpr bool a_per_sample = Seed % 3 != 0, b_per_sample = Seed % 2 == 0;
    using result = ls::broadcast_shape<a_shape, b_shape>;
    constexpr ls::extents shape = ls::extents_of<result>(), a_extents = ls::extents_of<a_shape>(),
                          b_extents = ls::extents_of<b_shape>();

    constexpr ls::leaf<a_tag, a_shape, a_per_sample> a;
    constexpr ls::leaf<b_tag, b_shape, b_per_sample> b;
    constexpr auto f = a * b + a;
    static_assert(std::is_same_v<typename std::remove_cvref_t<decltype(f)>::result_shape, result>);
    auto const a_values = elements(a_shape::size * (a_per_sample ? samples : 1), Seed);
    auto const b_values = elements(b_shape::size * (b_per_sample ? samples : 1), Seed + 1);

    constexpr std::int64_t count = a_per_sample || b_per_sample ? samples : 1;
    std::vector<double> expected, a_gradient(a_values.size()), b_gradient(b_values.size());
    for (std::int64_t n = 0; n < count; ++n)
        for_each_place(shape, [&](place const& at) {
            auto const i = static_cast<std::size_t>(element_at(a_extents, at, shape.rank) +
                                                    (a_per_sample ? n * a_shape::size : 0));
            auto const k = static_cast<std::size_t>(element_at(b_extents, at, shape.rank) +
                                                    (b_per_sample ? n * b_shape::size : 0));
            expected.push_back(a_values[i] * b_values[k] + a_values[i]);
            a_gradient[i] += b_values[k] + 1.0;
            b_gradient[k] += a_values[i];
        });

    auto const [value, by_a, by_b] = ls::evaluate<double, ls::host::portable>(
        std::tuple{f, gradient(f, a), gradient(f, b)}, ls::given(a, a_values), ls::given(b, b_values));
    INFO("case ", Seed, ": ", to_string(a_extents), " and ", to_string(b_extents));
    CHECK(largest_difference(value.elements(), expected) < 1e-15);
    CHECK(largest_difference(by_a.elements(), a_gradient) < 1e-13);
    CHECK(largest_difference(by_b.elements(), b_gradient) < 1e-13);
}

} // namespace

TEST_CASE("operands of any ranks broadcast as in plain loops, and so do their gradients") {
    for_each_case<32>([]<unsigned Seed> { compare_broadcast<Seed>(); });
}
