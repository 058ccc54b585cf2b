// SPDX-License-Identifier: MIT
#include <lockstep/parallel/reduce.hpp>

#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace {

namespace ls = lockstep;

constexpr std::int64_t size = 2 * ls::slice_alignment;

std::vector<double> counted(double first) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < size; ++i) values.push_back(first + static_cast<double>(i));
    return values;
}

} // namespace

TEST_CASE("a rule gets the mean gradient and any number of states, in its slice alone") {
    std::vector<double> const a = counted(1), b = counted(100), c = counted(1000);
    std::vector<double> parameters = counted(0), first = counted(0), second = counted(0), third = counted(0);
    auto const rule = [](double parameter, double gradient, double& x, double& y, double& z) {
        x += gradient, y -= gradient, z = parameter;
        return 2.0 * gradient;
    };
    ls::reduce_and_update<3, double, 3>({a.data(), b.data(), c.data()}, parameters.data(),
                                        {first.data(), second.data(), third.data()}, {ls::slice_alignment, size}, 4.0, rule);
    for (std::int64_t i = 0; i < size; ++i) {
        auto const n = static_cast<double>(i);
        double const mean = i < ls::slice_alignment ? 0.0 : (1101.0 + 3.0 * n) / 4.0;
        CHECK(parameters[i] == (i < ls::slice_alignment ? n : 2.0 * mean));
        CHECK(first[i] == n + mean);
        CHECK(second[i] == n - mean);
        CHECK(third[i] == n);
    }
}

TEST_CASE("where nothing counted, the mean of no gradients is 0") {
    std::vector<float> const nothing(ls::slice_alignment, 0.0f);
    std::vector<float> parameters(ls::slice_alignment, 3.0f);
    ls::reduce_and_update<2, float, 0>({nothing.data(), nothing.data()}, parameters.data(), {}, {0, ls::slice_alignment},
                                       0.0f, [](float parameter, float gradient) { return parameter - gradient; });
    for (float const value : parameters) CHECK(value == 3.0f);
}
