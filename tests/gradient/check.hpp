// SPDX-License-Identifier: MIT
#pragma once

#include "../golden/harness.hpp"

#include <doctest/doctest.h>

#include <cmath>
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

/// All gradients of a plan, for as many samples as it is made for and for one less. `classes` is the number of
/// classes of a loss with class indices, else 0.
inline void check_all_gradients(ls::plan const& plan, int classes) {
    std::mt19937_64 generator(5);
    for (std::int64_t samples = plan.settings.batch; samples > plan.settings.batch - 2; --samples) {
        pass<double> model(plan);
        ls::extents const& shape = plan.buffers[0].shape;
        REQUIRE(plan.buffers[0].kind == ls::buffer_kind::input);
        std::vector<double> input = random_values(shape.size() * samples, generator);
        std::vector<double> const upstream = random_values(plan.buffers[plan.output].shape.size() * samples, generator);
        std::vector<std::int32_t> indices(static_cast<std::size_t>(samples));
        for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<std::int32_t>(i) % std::max(classes, 1);
        void const* const targets = classes > 0 ? static_cast<void const*>(indices.data()) : upstream.data();

        std::vector<std::vector<double>> parameters;
        for (int i = 0; i < model.parameter_count(); ++i) {
            parameters.push_back(random_values(model.parameter_size(i), generator));
            model.set_parameter(i, parameters.back());
        }
        auto loss = [&] { return model.forward(input, targets, samples); };
        CHECK(std::isfinite(loss()));
        model.backward();
        std::vector<double> const input_gradient = model.input_gradient(samples);
        std::vector<std::vector<double>> gradients;
        for (int i = 0; i < model.parameter_count(); ++i) gradients.push_back(model.parameter_gradient(i));

        check_gradient("input", input_gradient, input, loss);
        for (int i = 0; i < model.parameter_count(); ++i) {
            check_gradient(model.parameter_name(i), gradients[i], parameters[i], [&] {
                model.set_parameter(i, parameters[i]);
                return loss();
            });
            model.set_parameter(i, parameters[i]);
        }
    }
}

template <class Model, class Loss = inner_product>
void check_model() {
    constexpr bool indices = Loss::target_content == ls::leaf_content::class_index;
    static_assert(Model::well_formed);
    check_all_gradients(pass_plan<Model, Loss, double, ls::host::portable, 3>,
                        indices ? static_cast<int>(Model::output_shape::size) : 0);
}

} // namespace tests
