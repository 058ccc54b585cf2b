// SPDX-License-Identifier: MIT
#pragma once

#include "harness.hpp"

#include <lockstep/train/safetensors.hpp>

#include <doctest/doctest.h>

#include <string>

// What reading a reference case and comparing with it takes. Double precision with the library's own loops shows
// that the formulas are PyTorch's; float with the default library shows that the kernels compute them.

namespace tests {

inline std::string golden_path(std::string const& file) {
    return std::string(LOCKSTEP_SOURCE_DIR) + "/tests/golden/" + file;
}

/// The bound on relative_error: sums of a few hundred products in double, and in float with some reserve.
template <class T>
inline constexpr double bound = std::is_same_v<T, double> ? 1e-10 : 2e-6;

template <class T>
std::vector<T> converted(std::span<double const> values) {
    return std::vector<T>(values.begin(), values.end());
}

template <class T>
void compare(std::string const& what, std::vector<T> const& found, std::span<double const> expected) {
    INFO(what, std::is_same_v<T, double> ? std::string(" in double") : std::string(" in float"));
    CHECK(relative_error(found, expected) <= bound<T>);
}

/// A model of which a file says input, output, upstream gradient and all that follows. `prefix` stands before the
/// names that a file's parameters have.
template <class T>
void compare_layer(ls::plan const& plan, ls::safetensors_file const& file, std::string (*file_name)(std::string const&)) {
    std::int64_t const samples = file.find("input")->shape[0];
    pass<T> model(plan);
    for (int i = 0; i < model.parameter_count(); ++i)
        model.set_parameter(i, converted<T>(file.as<double>("param." + file_name(model.parameter_name(i)))));
    auto const upstream = converted<T>(file.as<double>("grad_output"));
    model.forward(converted<T>(file.as<double>("input")), upstream.data(), samples);
    compare("output", model.output(samples), file.as<double>("output"));
    model.backward();
    compare("gradient of the input", model.input_gradient(samples), file.as<double>("grad_input"));
    int in_file = 0;
    for (std::string const& name : file.names()) in_file += name.starts_with("grad.");
    CHECK(model.parameter_count() == in_file);
    for (int i = 0; i < model.parameter_count(); ++i) {
        std::string const name = file_name(model.parameter_name(i));
        compare("gradient of " + name, model.parameter_gradient(i), file.as<double>("grad." + name));
    }
}

/// A file of one layer names its parameters without the layer's position.
inline std::string of_a_layer(std::string const& name) { return name.substr(name.rfind('.') + 1); }
inline std::string of_a_model(std::string const& name) { return name; }
/// A residual block's branch is called f there: f.0.weight is our 0.0.weight.
inline std::string of_a_branch(std::string const& name) {
    std::string renamed = name;
    renamed.front() = 'f';
    return renamed;
}

template <class Model, std::string (*Names)(std::string const&) = of_a_layer>
void layer(ls::safetensors_file const& file) {
    compare_layer<double>(pass_plan<Model, inner_product, double, ls::host::portable, 4>, file, Names);
    compare_layer<float>(pass_plan<Model, inner_product, float, ls::host::default_library, 4>, file, Names);
}

} // namespace tests
