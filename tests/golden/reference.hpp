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

/// A model of which a file says input, output, upstream gradient and all that follows. `file_name` is the name that a
/// parameter has there.
template <class T>
void compare_layer(ls::plan const& plan, ls::safetensors_file const& file, std::string (*file_name)(std::string const&)) {
    std::int64_t const samples = file.find("input")->shape[0];
    pass<T> model(plan);
    std::vector<std::string> names;
    for (int i = 0; i < model.parameter_count(); ++i) {
        names.push_back(file_name(model.parameter_name(i)));
        model.set_parameter(i, converted<T>(file.as<double>((model.is_trained(i) ? "param." : "before.") + names[i])));
    }
    auto const upstream = converted<T>(file.as<double>("grad_output"));
    bool const takes_indices = plan.buffers[0].content == ls::leaf_content::class_index;
    std::vector<std::int32_t> indices;
    if (takes_indices) {
        auto const classes = file.as<std::int64_t>("input");
        indices.assign(classes.begin(), classes.end());
        model.forward(indices.data(), upstream.data(), samples);
    } else {
        model.forward(converted<T>(file.as<double>("input")), upstream.data(), samples);
    }
    compare("output", model.output(samples), file.as<double>("output"));
    model.backward();
    if (!takes_indices) compare("gradient of the input", model.input_gradient(samples), file.as<double>("grad_input"));
    model.merge_states(samples);
    int in_file = 0;
    for (std::string const& name : file.names()) in_file += name.starts_with("grad.") || name.starts_with("after.");
    CHECK(model.parameter_count() == in_file);
    for (int i = 0; i < model.parameter_count(); ++i) {
        if (model.is_trained(i)) compare("gradient of " + names[i], model.parameter_gradient(i), file.as<double>("grad." + names[i]));
        else compare(names[i], model.parameter(i), file.as<double>("after." + names[i]));
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

/// Attention's file calls the layer a: a.in_proj_weight is our 0.in_proj_weight.
inline std::string of_attention(std::string const& name) {
    std::string renamed = name;
    renamed.front() = 'a';
    return renamed;
}

template <class Model, std::string (*Names)(std::string const&) = of_a_layer>
void layer(ls::safetensors_file const& file) {
    if constexpr (in_double) compare_layer<double>(pass_plan<Model, inner_product, double, ls::host::portable, 4>, file, Names);
    compare_layer<float>(pass_plan<Model, inner_product, float, ls::host::default_library, 4>, file, Names);
}

} // namespace tests
