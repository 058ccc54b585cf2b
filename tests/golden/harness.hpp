// SPDX-License-Identifier: MIT
#pragma once

#include "devices.hpp"

#include <lockstep/device/host/library.hpp>
#include <lockstep/parallel/merge.hpp>
#include <lockstep/parallel/parameters.hpp>
#include <lockstep/plan/plan.hpp>
#include <lockstep/program/build.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tests {

namespace ls = lockstep;

/// sum(scores * target): its gradient with respect to a model's output is the target, so that a test chooses the
/// upstream gradient of a model's backward pass.
struct inner_product {
    template <class In>
    using target_shape = In;
    static constexpr ls::leaf_content target_content = ls::leaf_content::number;
    constexpr auto operator()(auto scores, auto target) const { return scores * target; }
};

template <class Model, class Loss, class Backend>
struct pass_source {
    static constexpr ls::program build() { return ls::training_program<Model, Loss, Backend>(true); }
};

/// The training plan of a model and a loss on one replica, with the input's gradient. A library is a host's.
template <class Model, class Loss, class T, class Library, int Samples>
inline constexpr ls::plan const& pass_plan =
    ls::static_plan<pass_source<Model, Loss, typename devices<1, Library>::template backend<T>>,
                    ls::plan_settings{1, 1, Samples, sizeof(T)}>::value;

/// A forward and a backward pass through a model, without a trainer.
template <class T>
class pass {
public:
    explicit pass(ls::plan const& p)
        : plan_(p), parameters_(bytes()), gradients_(bytes()), passes_(p, parameters_.data()) {
        std::ranges::fill(parameters_.as<T>(), T{});
        std::ranges::fill(gradients_.as<T>(), T{});
    }

    int parameter_count() const { return static_cast<int>(plan_.parameters.size()); }
    std::string parameter_name(int i) const { return ls::name_of(plan_.parameters[i]); }
    /// Elements of a parameter.
    std::int64_t parameter_size(int i) const { return plan_.parameters[i].declared.shape.size(); }
    /// In PyTorch's layout, as all that a test sees of parameters.
    void set_parameter(int i, std::span<T const> values) {
        ls::from_saved_order<T>(plan_.parameters[i], values, parameters_.as<T>().data() + plan_.parameter_offsets[i]);
    }
    std::vector<T> parameter(int i) const {
        return ls::to_saved_order<T>(plan_.parameters[i], parameters_.as<T>().data() + plan_.parameter_offsets[i]);
    }
    /// Whether it is trained; else it is a layer's state.
    bool is_trained(int i) const { return plan_.parameters[i].declared.is_trained(); }
    /// Takes over what the last forward pass observed.
    void merge_states(std::int64_t samples) {
        ls::detail::merge_states<1, T>(plan_, {gradients_.as<T>().data()}, [samples](int) { return samples; },
                                       parameters_.as<T>().data(), 0);
    }
    std::vector<T> parameter_gradient(int i) const {
        return ls::to_saved_order<T>(plan_.parameters[i], gradients_.as<T>().data() + plan_.parameter_offsets[i]);
    }

    /// Returns the sum of the loss over all samples. Backward reads the targets too.
    T forward(std::vector<T> inputs, void const* targets, std::int64_t samples) {
        inputs_ = std::move(inputs);
        return forward(inputs_.data(), targets, samples);
    }
    T forward(void const* inputs, void const* targets, std::int64_t samples) {
        ls::shard_input shard;
        shard.inputs = inputs;
        shard.targets = targets;
        shard.samples = samples;
        shard.random.key = ls::make_key(7);
        shard.random.step = 3;
        passes_.forward(shard, gradients_.data());
        return passes_.values<T>(plan_.loss, 1)[0];
    }
    /// What a mean divides the loss and the gradients of the last forward pass by.
    T divisor(std::int64_t samples) const {
        return plan_.divisor < 0 ? static_cast<T>(samples) : passes_.values<T>(plan_.divisor, 1)[0];
    }
    void backward() { passes_.backward(); }

    std::vector<T> output(std::int64_t samples) const { return values(plan_.output, samples); }
    std::vector<T> input_gradient(std::int64_t samples) const { return values(plan_.input_gradient, samples); }

private:
    std::size_t bytes() const { return static_cast<std::size_t>(plan_.parameter_elements) * sizeof(T); }
    std::vector<T> values(int buffer, std::int64_t samples) const {
        return passes_.values<T>(buffer, plan_.buffers[buffer].shape.size() * samples);
    }

    ls::plan const& plan_;
    ls::host_memory parameters_;
    ls::host_memory gradients_;
    passes passes_;
    std::vector<T> inputs_;
};

/// The largest difference over the largest magnitude of what is expected; infinite where a value is not finite or
/// the numbers of values differ.
template <class T, class Reference>
double relative_error(std::span<T const> found, std::span<Reference const> expected) {
    double difference = 0.0, magnitude = 0.0;
    if (found.size() != expected.size()) return HUGE_VAL;
    for (std::size_t i = 0; i < found.size(); ++i) {
        double const each = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
        if (!std::isfinite(each)) return HUGE_VAL;
        difference = std::max(difference, each);
        magnitude = std::max(magnitude, std::abs(static_cast<double>(expected[i])));
    }
    return magnitude > 0.0 ? difference / magnitude : difference;
}
template <class T>
double relative_error(std::vector<T> const& found, std::span<double const> expected) {
    return relative_error<T, double>(std::span<T const>(found), expected);
}

} // namespace tests
