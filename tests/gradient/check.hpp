// SPDX-License-Identifier: MIT
#pragma once

#include "../golden/harness.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace tests {

inline std::vector<double> random_values(std::int64_t count, std::mt19937_64& generator) {
    std::uniform_real_distribution<double> uniform(-1.0, 1.0);
    std::vector<double> values(static_cast<std::size_t>(count));
    for (double& value : values) value = uniform(generator);
    return values;
}

/// Compares derived gradients with central differences. The loss is smooth near a random point, so with steps of
/// 1e-5 and values near 1 the difference quotient is right to about 1e-9; a wrong rule is wrong by about 1.
inline void check_gradient(std::string const& what, std::vector<double> const& derived, std::vector<double>& values,
                           auto const& loss) {
    constexpr double step = 1e-5;
    std::vector<double> numerical(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        double const value = values[i];
        values[i] = value + step;
        double const above = loss();
        values[i] = value - step;
        double const below = loss();
        values[i] = value;
        numerical[i] = (above - below) / (2 * step);
    }
    INFO(what);
    CHECK(relative_error(derived, std::span<double const>(numerical)) < 1e-7);
}

/// What a check feeds a plan with beside numbers.
struct index_inputs {
    /// The number of classes of an input of class indices, else 0.
    int input_classes = 0;
    /// The number of classes of a loss with class indices, else 0, and how many of them it takes a sample.
    int target_classes = 0;
    std::int64_t targets = 0;
    /// Whether some targets are the index `ignored`.
    bool ignores = false;
    std::int32_t ignored = 0;
};

/// Every index, in an order without a pattern; with ignores, the one that is ignored now and then.
inline std::vector<std::int32_t> random_indices(std::int64_t count, int classes, std::mt19937_64& generator) {
    std::vector<std::int32_t> indices(static_cast<std::size_t>(count));
    for (std::int32_t& index : indices)
        index = static_cast<std::int32_t>(generator() % static_cast<unsigned>(std::max(classes, 1)));
    return indices;
}

/// All gradients of a plan, for as many samples as it is made for and for one less.
inline void check_all_gradients(ls::plan const& plan, index_inputs const& with) {
    std::mt19937_64 generator(5);
    for (std::int64_t samples = plan.settings.batch; samples > plan.settings.batch - 2; --samples) {
        pass<double> model(plan);
        ls::extents const& shape = plan.buffers[0].shape;
        REQUIRE(plan.buffers[0].kind == ls::buffer_kind::input);
        std::vector<double> input = random_values(shape.size() * samples, generator);
        std::vector<std::int32_t> const input_indices =
            random_indices(shape.size() * samples, with.input_classes, generator);
        std::vector<double> const upstream = random_values(plan.buffers[plan.output].shape.size() * samples, generator);
        std::vector<std::int32_t> indices = random_indices(with.targets * samples, with.target_classes, generator);
        for (std::size_t i = 1; with.ignores && i < indices.size(); i += 3) indices[i] = with.ignored;
        void const* const targets =
            with.target_classes > 0 ? static_cast<void const*>(indices.data()) : upstream.data();

        std::vector<std::vector<double>> parameters;
        for (int i = 0; i < model.parameter_count(); ++i) {
            parameters.push_back(random_values(model.parameter_size(i), generator));
            model.set_parameter(i, parameters.back());
        }
        auto loss = [&] {
            return with.input_classes > 0 ? model.forward(input_indices.data(), targets, samples)
                                          : model.forward(input, targets, samples);
        };
        CHECK(std::isfinite(loss()));
        model.backward();
        // Differences run the forward pass again, so what the backward pass left is copied first.
        std::vector<double> const input_gradient =
            with.input_classes == 0 ? model.input_gradient(samples) : std::vector<double>{};
        std::vector<std::vector<double>> gradients;
        for (int i = 0; i < model.parameter_count(); ++i) gradients.push_back(model.parameter_gradient(i));

        if (with.input_classes == 0) check_gradient("input", input_gradient, input, loss);
        for (int i = 0; i < model.parameter_count(); ++i) {
            if (!model.is_trained(i)) continue;
            check_gradient(model.parameter_name(i), gradients[i], parameters[i], [&] {
                model.set_parameter(i, parameters[i]);
                return loss();
            });
            model.set_parameter(i, parameters[i]);
        }
    }
}

template <class Model, class Loss>
constexpr index_inputs index_inputs_of() {
    index_inputs result;
    if constexpr (ls::is_class_indices<typename Model::input_shape>) result.input_classes = Model::input_shape::classes;
    if constexpr (Loss::target_content == ls::leaf_content::class_index) {
        using output = typename Model::output_shape;
        auto const ranges = ls::detail::class_ranges_of<Loss, output>();
        result.target_classes = ranges[0].classes;
        result.targets = Loss::template target_shape<output>::size;
        result.ignores = true;
        result.ignored = static_cast<std::int32_t>(std::max<std::int64_t>(ranges[0].ignored, std::numeric_limits<std::int32_t>::min()));
        for (auto const& each : ranges) {
            result.target_classes = std::min(result.target_classes, each.classes);
            // What one of several losses does not ignore is a class or no target.
            result.ignores = result.ignores && each.ignored == result.ignored;
        }
    }
    return result;
}

template <class Model, class Loss = inner_product, int Samples = 3>
void check_model() {
    static_assert(Model::well_formed);
    check_all_gradients(pass_plan<Model, Loss, double, ls::host::portable, Samples>, index_inputs_of<Model, Loss>());
}

} // namespace tests
